// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/probe_payload.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "transport/status.h"

namespace runnel {
namespace {

/// Where in the target a trainer probes the path.
std::size_t probe_area(int trainer) {
  return static_cast<std::size_t>(trainer) * PathProbe::kProbeBytes;
}

const RegionDescriptor& target_for(Fabric& fabric, const GeneratorLink& link, const ConnectionOffer& generator,
                                   std::size_t bytes) {
  const auto& tensors = require_tensors(generator, fabric.place_with(link.peer), link.peer.rank);
  return require_length(tensors.gradients, bytes, "gradient", link.peer.rank);
}

}  // namespace

PayloadTarget::PayloadTarget(Fabric& fabric, std::size_t bytes)
    : memory_(fabric, std::max(bytes, probe_area(fabric.group().trainers()))) {
  for (int index = 0; index < fabric.group().trainers(); ++index) {
    PathProbe::prepare(memory_.slab_for(fabric.group().trainer(index)), probe_area(index));
  }
}

Payload::Payload(Fabric& fabric, GeneratorLink& link, const ConnectionOffer& generator, const Slab& slab,
                 std::size_t bytes)
    : fabric_(fabric),
      link_(link),
      region_(link.endpoint, target_for(fabric, link, generator, bytes), fabric.mapping_policy(), fabric.device()),
      slab_(slab),
      sent_(slab.bytes().first(bytes)),
      returned_(slab.bytes().subspan(bytes, bytes)) {
  if (fabric.device() == nullptr) return;
  stream_ = fabric.device()->make_stream(/*marks=*/1);
  if (!region_.is_mapped()) return;
  target_.emplace(*fabric.device(), region_, /*offset=*/0, bytes);
}

std::size_t Payload::memory_bytes(std::size_t bytes) {
  return std::max(2 * bytes, PathProbe::kProbeBytes);
}

ProbedGenerator Payload::to_probe() const {
  const bool on_device = fabric_.device() != nullptr;
  return {.link = link_,
          .gradients = {region_, probe_area(fabric_.group().self().index)},
          .parameters = region_,
          .local = on_device ? slab_ : fabric_.control(),
          .offset = on_device ? 0 : probe_offset_on_host(link_)};
}

void Payload::fill() {
  const auto seed = static_cast<std::uint64_t>(fabric_.group().self().rank) << 32;
  std::vector<std::uint64_t> words(sent_.size() / sizeof seed);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = seed + i;
  slab_.write(0, std::as_bytes(std::span(words)));
}

void Payload::put(std::uint64_t word) {
  if (target_) return copy_by_device(target_->address(), sent_.data());
  complete(fabric_.loop().queue().put_and_ring(region_, 0, sent_, slab_, link_.gradient, word, tag()),
           CompletionKind::visible_at_peer);
}

void Payload::get() {
  if (target_) return copy_by_device(returned_.data(), target_->address());
  complete(fabric_.loop().queue().get(region_, 0, returned_, slab_, tag()), CompletionKind::data_arrived);
}

void Payload::copy() {
  if (stream_) return copy_by_device(returned_.data(), sent_.data());
  std::memcpy(returned_.data(), sent_.data(), sent_.size());
}

void Payload::compare() const {
  std::vector<std::byte> sent(sent_.size());
  std::vector<std::byte> returned(returned_.size());
  slab_.read(0, sent);
  slab_.read(sent.size(), returned);
  if (sent == returned) return;
  throw TransportError(StatusCode::internal, "what a get brought back is not what was put");
}

/// Copies the whole payload on this trainer's stream, and waits for that.
void Payload::copy_by_device(std::byte* target, const std::byte* source) {
  stream_->copy(target, source, sent_.size());
  const DeviceStream::Mark mark = stream_->mark();
  const auto late = [this]() -> int {
    throw RunError(ExitStatus::internal, fabric_.device()->name() + " did not copy " + std::to_string(sent_.size()) +
                                             " bytes in time; see what else uses it (nvidia-smi)");
  };
  fabric_.loop().wait_until([](const Completion&, const Tag&) {}, [&] { return stream_->reached(mark); }, late,
                            [] { return true; });
}

/// Waits for the one completion of `kind` that is under way, unless it could not be `posted`.
void Payload::complete(const Status& posted, CompletionKind kind) {
  const int generator = link_.peer.rank;
  if (!posted.ok()) fabric_.loop().throw_for(posted, generator);
  bool is_done = false;
  fabric_.loop().wait_until([&](const Completion& completion, const Tag&) { is_done |= completion.kind == kind; },
                            [&] { return is_done; }, [&] { return generator; });
}

}  // namespace runnel
