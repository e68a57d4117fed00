// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/trace.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/base/run_error.h"
#include "runtime/base/steady_clock.h"

namespace runnel {
namespace {

static_assert(std::endian::native == std::endian::little, "traces travel between hosts as they lie in memory");

/// 73 years: no steady clock is that old, and sums of such times do not overflow.
constexpr std::int64_t kLatestNs = std::int64_t{1} << 61;

/// Half of that, so that the difference of two clock offsets stays below it.
constexpr std::int64_t kMaxApartNs = kLatestNs / 2;

bool is_valid(const TraceEvent& event) {
  return 0 <= event.begin_ns && event.begin_ns <= event.end_ns && event.end_ns <= kLatestNs &&
         static_cast<int>(event.label.what) < kTraceWhats;
}

[[noreturn]] void refuse(const std::string& who, const std::string& what) {
  throw RunError(ExitStatus::protocol_mismatch, who + ": " + what + "; start the same build on every host");
}

}  // namespace

Trace::Trace(std::span<std::byte> memory) {
  assert(memory.size() >= sizeof(TraceHeader) &&
         std::bit_cast<std::uintptr_t>(memory.data()) % alignof(TraceHeader) == 0);
  header_ = new (memory.data()) TraceHeader;
  events_ = reinterpret_cast<TraceEvent*>(memory.data() + sizeof(TraceHeader));
  capacity_ = (memory.size() - sizeof(TraceHeader)) / sizeof(TraceEvent);
}

std::span<const std::byte> Trace::close(std::int64_t first_trainer_ns) {
  if (!on()) return {};
  TraceHeader& header = *std::exchange(header_, nullptr);
  header.dropped = dropped_;
  header.first_trainer_ns = first_trainer_ns;
  std::atomic_ref(header.recorded).store(recorded_, std::memory_order_release);
  return {reinterpret_cast<const std::byte*>(&header), bytes_for(recorded_)};
}

void Trace::write(const TraceEvent& event) {
  if (recorded_ == capacity_) {
    ++dropped_;
    return;
  }
  new (events_ + recorded_) TraceEvent(event);
  ++recorded_;
}

void Trace::write_instant(const TraceLabel& label) {
  const std::int64_t now = steady_ns();
  write({now, now, label});
}

RecordedTrace read_trace(std::span<const std::byte> memory, const std::string& who) {
  TraceHeader header;
  if (memory.size() < sizeof header) refuse(who, "no trace header");
  std::memcpy(&header, memory.data(), sizeof header);
  if (header.magic != TraceHeader::kMagic) refuse(who, "no trace header");
  if (header.version != TraceHeader::kVersion) {
    refuse(who,
           "trace version " + std::to_string(header.version) + ", expected " + std::to_string(TraceHeader::kVersion));
  }
  const std::uint64_t room = (memory.size() - sizeof header) / sizeof(TraceEvent);
  if (header.recorded > room) {
    refuse(who, "a trace of " + std::to_string(header.recorded) + " events in memory for " + std::to_string(room));
  }
  if (header.first_trainer_ns < -kMaxApartNs || header.first_trainer_ns > kMaxApartNs) {
    refuse(who, "an impossible difference of clocks in its trace");
  }
  RecordedTrace recorded{.events = std::vector<TraceEvent>(header.recorded),
                         .dropped = header.dropped,
                         .first_trainer_ns = header.first_trainer_ns};
  const auto events = memory.subspan(sizeof header, header.recorded * sizeof(TraceEvent));
  std::copy(events.begin(), events.end(), std::as_writable_bytes(std::span(recorded.events)).begin());
  const auto wrong = std::find_if_not(recorded.events.begin(), recorded.events.end(), is_valid);
  if (wrong != recorded.events.end()) {
    refuse(who, "an invalid event in its trace: number " + std::to_string(wrong - recorded.events.begin()));
  }
  std::sort(recorded.events.begin(), recorded.events.end(), [](const TraceEvent& a, const TraceEvent& b) {
    return a.begin_ns != b.begin_ns ? a.begin_ns < b.begin_ns : a.end_ns > b.end_ns;
  });
  return recorded;
}

}  // namespace runnel
