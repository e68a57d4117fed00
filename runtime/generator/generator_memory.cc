// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/generator_memory.h"

#include <algorithm>
#include <cstring>

#include "runtime/protocol/tensor_slabs.h"
#include "transport/path_probe.h"

namespace runnel {
namespace {

/// Whether a generator has tensors in host memory: for trainers without a device, and for other generators.
bool needs_host(const PeerGroup& group, const Device* device) {
  if (device == nullptr || group.generators() > 1) return true;
  return std::ranges::any_of(group.all(), [](const Peer& peer) { return !peer.has_device(); });
}

}  // namespace

std::size_t GeneratorMemory::host_bytes(const PeerGroup& group, const Device* device, const BucketLayout& layout,
                                        const Shard& shard) {
  if (!needs_host(group, device)) return 0;
  return GradientSlab::bytes(layout, shard, group.trainers()) + ParameterSlab::bytes(layout, shard);
}

GeneratorMemory::GeneratorMemory(Fabric& fabric, const BucketLayout& layout, const Shard& shard)
    : fabric_(fabric), layout_(layout), shard_(shard) {
  const std::size_t gradient_bytes = GradientSlab::bytes(layout, shard, fabric.group().trainers());
  const std::size_t parameter_bytes = ParameterSlab::bytes(layout, shard);
  if (needs_host(fabric.group(), fabric.device())) {
    on_host_.emplace(OnHost{.gradients = Slab::allocate(fabric.context(), gradient_bytes),
                            .parameters = Slab::allocate(fabric.context(), parameter_bytes)});
  }
  if (fabric.device() != nullptr) {
    on_device_.emplace(fabric.context(), *fabric.device(), gradient_bytes, parameter_bytes);
  }
  if (has_mirror()) pinned_.emplace(*fabric.device(), *on_host_);
}

bool GeneratorMemory::on_device(int trainer) const {
  return fabric_.place_with(fabric_.group().trainer(trainer)) == MemoryPlace::device;
}

std::size_t GeneratorMemory::slot_offset(int trainer, int slot) const {
  return GradientSlab::slot_offset(layout_, shard_, trainer, slot);
}

std::size_t GeneratorMemory::buffer_offset(std::uint64_t version) const {
  return ParameterSlab::buffer_offset(layout_, shard_, buffer_of_version(version));
}

void GeneratorMemory::add_to(ConnectionOffer& offer) const {
  const auto tensors = [](const Slab& gradients, const Slab& parameters) {
    return ConnectionOffer::Tensors{.gradients = gradients.descriptor(), .parameters = parameters.descriptor()};
  };
  if (on_host_) offer.tensors = tensors(on_host_->gradients, on_host_->parameters);
  if (on_device_) offer.device_tensors = tensors(on_device_->gradients.slab(), on_device_->parameters.slab());
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

const Slab& GeneratorMemory::slots_of(int trainer) const {
  return on_device(trainer) ? on_device_->gradients.slab() : on_host_->gradients;
}

const float* GeneratorMemory::slot(int trainer, int slot) const {
  const std::byte* slots = nullptr;
  if (on_device(trainer)) {
    slots = on_device_->gradients.bytes().data();
  } else {
    slots = pinned_ ? pinned_->gradients.device_address() : on_host_->gradients.bytes().data();
  }
  return reinterpret_cast<const float*>(slots + slot_offset(trainer, slot));
}

float* GeneratorMemory::parameters(std::uint64_t version) const {
  const auto buffers = on_device_ ? on_device_->parameters.bytes() : on_host_->parameters.bytes();
  return reinterpret_cast<float*>(buffers.data() + buffer_offset(version));
}

void GeneratorMemory::write_start(std::span<const std::byte> parameters) {
  if (on_host_) on_host_->parameters.write(buffer_offset(0), parameters);
  if (on_device_) on_device_->parameters.slab().write(buffer_offset(0), parameters);
}

void GeneratorMemory::mirror(DeviceStream& stream, std::uint64_t version, ByteRange range) const {
  const std::size_t offset = buffer_offset(version) + range.begin;
  stream.copy(pinned_->parameters.device_address() + offset, on_device_->parameters.bytes().data() + offset,
              range.size());
}

std::span<const float> GeneratorMemory::read(std::uint64_t version) {
  if (on_host_) {
    const auto bytes = on_host_->parameters.bytes().subspan(buffer_offset(version), shard_.bytes.size());
    return {reinterpret_cast<const float*>(bytes.data()), floats()};
  }
  copy_.resize(floats());
  on_device_->parameters.slab().read(buffer_offset(version), std::as_writable_bytes(std::span(copy_)));
  return copy_;
}

}  // namespace runnel
