// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/path_probe.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "transport/status.h"

namespace runnel {
namespace {

// The probe area: what the owner wrote for the initiator to get, what the initiator puts, a bell, a park word.
constexpr std::size_t kHalf = PathProbe::kProbeBytes / 2;
constexpr std::size_t kPutBytes = kHalf - 2 * kLineBytes;
constexpr std::size_t kBellOffset = PathProbe::kProbeBytes - 2 * kLineBytes;
constexpr std::size_t kParkOffset = PathProbe::kProbeBytes - kLineBytes;

// A one-sided operation of this size takes some tens of microseconds and a few progress calls. The time covers a core
// core that is taken away for a scheduling slice, the calls a machine whose every call is slow. After the calls the
// core is yielded: others may need it to become silent.
constexpr std::chrono::milliseconds kTryTime{20};
constexpr unsigned kTryCalls = 200;

// Processes that share a GPU get it by turns of milliseconds.
constexpr std::chrono::milliseconds kTryTimeOfDevice{200};

constexpr std::uint64_t kPutTag = 0;
constexpr std::uint64_t kGetTag = 1;

/// Word `index` of what `prepare` writes into the area at `address` of the owner's process (splitmix64's mixer): no
/// other area holds the same.
std::uint64_t pattern_word(std::uint64_t address, std::size_t index) {
  std::uint64_t x = address + (index + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// Half a probe area, in the host's memory.
using Half = std::vector<std::uint64_t>;

Half pattern(std::uint64_t address) {
  Half words(kHalf / sizeof(std::uint64_t));
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = pattern_word(address, i);
  return words;
}

void require_pattern(const Half& found, std::uint64_t address) {
  if (found == pattern(address)) return;
  throw TransportError(StatusCode::internal, "a peer's region does not hold what its owner wrote");
}

}  // namespace

void PathProbe::prepare(const Slab& slab, std::size_t offset) {
  if (offset % kLineBytes != 0)
    throw TransportError(StatusCode::misaligned, "a probe area is not on a line of its own");
  if (slab.bytes().size() < kProbeBytes || offset > slab.bytes().size() - kProbeBytes) {
    throw TransportError(StatusCode::out_of_range, "a probe area leaves its slab");
  }
  const auto address = reinterpret_cast<std::uintptr_t>(slab.bytes().data() + offset);
  const Half words = pattern(address);
  slab.write(offset, std::as_bytes(std::span(words)));
}

PathProbe::PathProbe(const Place& payload, const Place& bell, const Slab& local, std::size_t local_offset)
    : region_(payload.region),
      remote_offset_(payload.offset),
      local_(local),
      local_offset_(local_offset),
      queue_(region_.endpoint().worker(), 2),
      bell_(bell.region, bell.offset + kBellOffset, bell.offset + kParkOffset) {}

PathReport PathProbe::run() {
  PathReport report;
  report.transports = region_.endpoint().transports();
  if (region_.is_mapped()) {
    Half found(kHalf / sizeof(std::uint64_t));
    region_.read(remote_offset_, std::as_writable_bytes(std::span(found)));
    require_pattern(found, region_.address(remote_offset_));
    report.path = Path::mapped;
    report.reason = "the peer's slab is mapped";
    return report;
  }
  const auto area = local_.bytes().subspan(local_offset_, kProbeBytes);
  throw_unless_ok(
      queue_.put_and_ring(region_, remote_offset_ + kHalf, area.subspan(kHalf, kPutBytes), local_, bell_, 1, kPutTag));
  const bool put_is_one_sided = try_once();
  throw_unless_ok(queue_.get(region_, remote_offset_, area.first(kHalf), local_, kGetTag));
  const bool get_is_one_sided = try_once();
  report.path = put_is_one_sided && get_is_one_sided ? Path::one_sided : Path::emulated;
  report.reason = put_is_one_sided && get_is_one_sided ? "a put and a get completed while the peer was silent"
                  : put_is_one_sided                   ? "a put completed while the peer was silent, a get did not"
                                                       : "a put did not complete while the peer was silent";
  return report;
}

bool PathProbe::try_once() {
  const bool on_host = region_.kind() == MemoryKind::host && local_.kind() == MemoryKind::host;
  const Deadline deadline = Deadline::after(on_host ? kTryTime : kTryTimeOfDevice);
  for (unsigned calls = 0; calls < kTryCalls || !deadline.expired(); ++calls) {
    poll();
    if (queue_.in_flight() == 0) return true;
    if (calls >= kTryCalls) std::this_thread::yield();
  }
  return false;
}

Status PathProbe::finish(const Deadline& deadline) {
  while (queue_.in_flight() != 0) {
    if (region_.endpoint().lost()) return region_.endpoint().error();
    if (deadline.expired()) return Status(StatusCode::deadline_exceeded, "path probe");
    std::this_thread::yield();  // to the peer, which must progress
    poll();
  }
  return Status();
}

void PathProbe::poll() {
  std::array<Completion, 2> completions;
  const std::size_t count = queue_.poll(completions);
  for (const Completion& completion : std::span(completions).first(count)) {
    throw_unless_ok(completion.status);
    if (completion.tag != kGetTag) continue;
    Half found(kHalf / sizeof(std::uint64_t));
    local_.read(local_offset_, std::as_writable_bytes(std::span(found)));
    require_pattern(found, region_.address(remote_offset_));
  }
}

}  // namespace runnel
