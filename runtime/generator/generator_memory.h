// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/device/device_memory.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/shared_tensors.h"
#include "runtime/protocol/bucket_layout.h"
#include "transport/slab.h"

namespace runnel {

/// Where a generator keeps the optimizer's states.
enum class StatePlace : std::uint8_t {
  own,     ///< in memory of its reducer
  shared,  ///< in a slab that trainers read; host memory only
};

/// A generator's slots and parameter buffers, and the optimizer's states where trainers read them.
///
/// Without a device they lie in host memory. With one, those of trainers that have a device lie in the generator's
/// device; peers without a device use host memory: the device reads gradients from it and mirrors parameters into it.
/// Thread: the main thread's.
class GeneratorMemory {
 public:
  /// `shared_states`: how many of the optimizer's states trainers read. The arguments outlive this. Throws
  /// `TransportError`, and as `Device::allocate` and `pin`.
  GeneratorMemory(Fabric& fabric, const BucketLayout& layout, const Shard& shard, std::size_t shared_states);

  /// Bytes of host memory that a generator of `shard` with `device` (or null) will allocate as slabs.
  static std::size_t host_bytes(const PeerGroup& group, const Device* device, const BucketLayout& layout,
                                const Shard& shard, std::size_t shared_states);

  /// What peers need to reach the tensors.
  void add_to(ConnectionOffer& offer) const;

  /// Fills the slots for the trainers, which probe the path to them.
  void prepare_probes() const;

  /// Zeroes what probes have left there: gaps between tensors are never written, and count in a norm.
  void clear_probes() const;

  /// Where what reduces finds the gradients of trainer `trainer`, and the parameters of `version`: for the device,
  /// where there is one.
  const float* slot(int trainer, int slot) const;
  float* parameters(std::uint64_t version) const;

  /// Where the reducer is to keep the optimizer's states; empty where it has memory of its own.
  std::vector<std::span<float>> states() const;

  /// Fills the buffer of `version`, with which the run begins.
  void write_start(std::uint64_t version, std::span<const std::byte> parameters);

  /// Whether the host has a copy of what the device computes.
  bool has_mirror() const { return parameters_.in(MemoryPlace::host) != nullptr && fabric_.device() != nullptr; }

  /// Lets `stream` copy `range` of the parameters of `version` from the device to the host.
  void mirror(DeviceStream& stream, std::uint64_t version, ByteRange range) const;

  /// The parameters of `version`, all of them complete, in host memory; valid until the next call. Allocates where they
  /// lie on a device only.
  std::span<const float> read(std::uint64_t version);

 private:
  struct Pinned {
    Pinned(Device& device, const TensorSlab& gradient_slab, const TensorSlab& parameter_slab)
        : gradients(device, gradient_slab.bytes()), parameters(device, parameter_slab.bytes()) {}

    PinnedMemory gradients;
    PinnedMemory parameters;
  };

  /// Where this process sums and updates.
  MemoryPlace own_place() const { return fabric_.device() != nullptr ? MemoryPlace::device : MemoryPlace::host; }
  const Slab& slots_of(int trainer) const { return gradients_.slab_for(fabric_.group().trainer(trainer)); }
  std::size_t slot_offset(int trainer, int slot) const;
  std::size_t buffer_offset(std::uint64_t version) const;
  std::size_t floats() const { return shard_.bytes.size() / sizeof(float); }

  Fabric& fabric_;
  const BucketLayout& layout_;
  const Shard& shard_;
  SharedTensors gradients_;
  SharedTensors parameters_;
  std::size_t shared_states_;
  std::optional<Slab> states_;    // these, where the shard has any floats for the optimizer
  std::optional<Pinned> pinned_;  // the host's, where there is a device as well
  std::vector<float> copy_;
};

}  // namespace runnel
