// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/device/device_memory.h"
#include "runtime/fabric/fabric.h"
#include "transport/slab.h"

namespace runnel {

/// A slab of a generator that peers read and write, in every place where one is needed: in host memory for peers
/// without a device, and in the memory of the generator's device, if it has one, for the others. Thread: the main
/// thread's.
class SharedTensors {
 public:
  /// Whether a generator of `group` with `device` (or null) needs tensors in host memory: for trainers without a
  /// device, and for other generators.
  static bool needs_host(const PeerGroup& group, const Device* device);

  /// `bytes` in each place. `fabric` outlives this. Throws as `TensorSlab`.
  SharedTensors(Fabric& fabric, std::size_t bytes);

  /// Null where the slab is not needed.
  const TensorSlab* in(MemoryPlace place) const;

  /// The slab that `trainer` uses.
  const Slab& slab_for(const Peer& trainer) const { return in(fabric_.place_with(trainer))->slab(); }

  /// Adds what peers need to reach the two of a generator, which may be the same one.
  static void add_to(ConnectionOffer& offer, const SharedTensors& gradients, const SharedTensors& parameters);

 private:
  Fabric& fabric_;
  std::optional<TensorSlab> on_host_;
  std::optional<TensorSlab> on_device_;
};

}  // namespace runnel
