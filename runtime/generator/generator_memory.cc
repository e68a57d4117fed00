// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/generator_memory.h"

#include "runtime/protocol/tensor_slabs.h"
#include "transport/path_probe.h"

namespace runnel {

std::size_t GeneratorMemory::host_bytes(const PeerGroup& group, const Device* device, const BucketLayout& layout,
                                        const Shard& shard, std::size_t shared_states) {
  const std::size_t states = StateSlab::bytes(layout, shard, shared_states);
  if (!SharedTensors::needs_host(group, device)) return states;
  return GradientSlab::bytes(layout, shard, group.trainers()) + ParameterSlab::bytes(layout, shard) + states;
}

GeneratorMemory::GeneratorMemory(Fabric& fabric, const BucketLayout& layout, const Shard& shard,
                                 std::size_t shared_states)
    : fabric_(fabric),
      layout_(layout),
      shard_(shard),
      gradients_(fabric, GradientSlab::bytes(layout, shard, fabric.group().trainers())),
      parameters_(fabric, ParameterSlab::bytes(layout, shard)),
      shared_states_(shared_states) {
  const std::size_t state_bytes = StateSlab::bytes(layout, shard, shared_states);
  if (state_bytes > 0) states_.emplace(Slab::allocate(fabric.context(), state_bytes));
  if (!has_mirror()) return;
  pinned_.emplace(*fabric.device(), *gradients_.in(MemoryPlace::host), *parameters_.in(MemoryPlace::host));
}

std::size_t GeneratorMemory::slot_offset(int trainer, int slot) const {
  return GradientSlab::slot_offset(layout_, shard_, trainer, slot);
}

std::size_t GeneratorMemory::buffer_offset(std::uint64_t version) const {
  return ParameterSlab::buffer_offset(layout_, shard_, buffer_of_version(version));
}

void GeneratorMemory::add_to(ConnectionOffer& offer) const {
  SharedTensors::add_to(offer, gradients_, parameters_);
  if (states_) offer.states = states_->descriptor();
}

std::vector<std::span<float>> GeneratorMemory::states() const {
  std::vector<std::span<float>> states(shared_states_);
  for (std::size_t i = 0; states_ && i < states.size(); ++i) {
    const auto bytes = states_->bytes().subspan(StateSlab::state_offset(layout_, shard_, i));
    states[i] = {reinterpret_cast<float*>(bytes.data()), layout_.float_counts(shard_).optimized};
  }
  return states;
}

void GeneratorMemory::prepare_probes() const {
  for (int trainer = 0; trainer < fabric_.group().trainers(); ++trainer) {
    PathProbe::prepare(slots_of(trainer), slot_offset(trainer, 0));
  }
}

void GeneratorMemory::clear_probes() const {
  const std::vector<std::byte> zeros(PathProbe::kProbeBytes);
  for (int trainer = 0; trainer < fabric_.group().trainers(); ++trainer) {
    slots_of(trainer).write(slot_offset(trainer, 0), zeros);
  }
}

const float* GeneratorMemory::slot(int trainer, int slot) const {
  const bool on_host = fabric_.place_with(fabric_.group().trainer(trainer)) == MemoryPlace::host;
  const std::byte* slots = on_host && pinned_ ? pinned_->gradients.device_address() : slots_of(trainer).bytes().data();
  return reinterpret_cast<const float*>(slots + slot_offset(trainer, slot));
}

float* GeneratorMemory::parameters(std::uint64_t version) const {
  return reinterpret_cast<float*>(parameters_.in(own_place())->bytes().data() + buffer_offset(version));
}

void GeneratorMemory::write_start(std::uint64_t version, std::span<const std::byte> parameters) {
  for (const MemoryPlace place : {MemoryPlace::host, MemoryPlace::device}) {
    if (const TensorSlab* slab = parameters_.in(place)) slab->slab().write(buffer_offset(version), parameters);
  }
}

void GeneratorMemory::mirror(DeviceStream& stream, std::uint64_t version, ByteRange range) const {
  const std::size_t offset = buffer_offset(version) + range.begin;
  stream.copy(pinned_->parameters.device_address() + offset,
              parameters_.in(MemoryPlace::device)->bytes().data() + offset, range.size());
}

std::span<const float> GeneratorMemory::read(std::uint64_t version) {
  if (const TensorSlab* on_host = parameters_.in(MemoryPlace::host)) {
    const auto bytes = on_host->bytes().subspan(buffer_offset(version), shard_.bytes.size());
    return {reinterpret_cast<const float*>(bytes.data()), floats()};
  }
  copy_.resize(floats());
  parameters_.in(MemoryPlace::device)->slab().read(buffer_offset(version), std::as_writable_bytes(std::span(copy_)));
  return copy_;
}

}  // namespace runnel
