// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/device/device.h"
#include "runtime/device/device_memory.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/handshake.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/fabric/shared_tensors.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

/// The part of pair_probe.h that moves payload: in memory of the same kinds, and by the same means, as a run moves
/// tensors.
namespace runnel {

/// Where trainers put and get their payload, one after the other: where a generator has its tensors. Thread: the main
/// thread's.
class PayloadTarget {
 public:
  /// Throws as `SharedTensors`.
  PayloadTarget(Fabric& fabric, std::size_t bytes);

  /// What trainers need to reach it.
  void add_to(ConnectionOffer& offer) const { SharedTensors::add_to(offer, memory_, memory_); }

 private:
  SharedTensors memory_;
};

/// A trainer's payload: what it sends, and what comes back. Each method that moves it returns when that is done, and
/// throws as `CompletionLoop::wait_until`. Thread: the main thread's.
class Payload {
 public:
  /// `generator` is the offer of the peer that `link` leads to. `slab`: `memory_bytes(bytes)` of a TensorSlab of
  /// this process; it outlives this, as the others do. Throws `FrameError`, `TransportError`, and as `Device::pin`.
  Payload(Fabric& fabric, GeneratorLink& link, const ConnectionOffer& generator, const Slab& slab, std::size_t bytes);

  static std::size_t memory_bytes(std::size_t bytes);

  /// What the path is probed with.
  ProbedGenerator to_probe() const;

  /// Writes what is sent: other words in every trainer, as all write to the same place.
  void fill();

  /// To the generator, until it is visible there. Where that takes a put, the gradient bell is rung with `word`.
  void put(std::uint64_t word);

  /// Back from there.
  void get();

  /// What is sent to the place of what comes back.
  void copy();

  /// Throws `TransportError` (internal) unless what came back is what was sent.
  void compare() const;

 private:
  void copy_by_device(std::byte* target, const std::byte* source);
  void complete(const Status& posted, CompletionKind kind);
  std::uint64_t tag() const { return Tag{.rank = link_.peer.rank}.encode(); }

  Fabric& fabric_;
  GeneratorLink& link_;
  RemoteRegion region_;
  const Slab& slab_;
  std::span<std::byte> sent_;
  std::span<std::byte> returned_;
  std::optional<DeviceMapping> target_;   // the mapped region, for this trainer's device
  std::unique_ptr<DeviceStream> stream_;  // of that, null without one; ends before the region
};

}  // namespace runnel
