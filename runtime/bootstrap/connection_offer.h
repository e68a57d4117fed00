// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "transport/deadline.h"
#include "transport/region_descriptor.h"

namespace runnel {

/// Where the tensors lie that two processes share.
enum class MemoryPlace : std::uint8_t { host, device };

/// What a process gives to its peers so that they can connect to it and reach its slabs.
struct ConnectionOffer {
  std::vector<std::byte> data_address;      ///< of the worker that moves gradients and parameters
  std::vector<std::byte> liveness_address;  ///< of the worker that carries heartbeats
  RegionDescriptor control;                 ///< bells and records, runtime/protocol/control_layout.h
  RegionDescriptor heartbeats;              ///< runtime/liveness/liveness.h

  struct Tensors {
    RegionDescriptor gradients;   ///< trainers x kSlots slots
    RegionDescriptor parameters;  ///< kParameterBuffers buffers
  };
  std::optional<Tensors> tensors;          ///< of a generator, in host memory: for trainers, or generators, without it
  std::optional<Tensors> device_tensors;   ///< of a generator that has a device: for trainers that have one as well
  std::optional<RegionDescriptor> trace;   ///< in a run with a trace
  std::optional<RegionDescriptor> states;  ///< of a generator whose trainers read the optimizer's states
};

/// Collective: every rank's offer, by rank. `meanwhile` is as for `Bootstrap::all_gather`. Throws as that, and
/// `FrameError` before anything of a damaged frame reaches UCX.
std::vector<ConnectionOffer> exchange_offers(Bootstrap& bootstrap, const ConnectionOffer& mine,
                                             const Deadline& deadline, const Meanwhile& meanwhile);

/// The tensors of `offer`, of the generator of rank `rank`: those in the memory of its device or those in the host's.
/// Throws `FrameError` when it has none.
const ConnectionOffer::Tensors& require_tensors(const ConnectionOffer& offer, MemoryPlace place, int rank);

/// `offered`, of which this process is going to use `bytes` bytes; `what` names it ("control"). Throws `FrameError`
/// when it is shorter: a peer's word about its memory is not believed where it contradicts what both sides computed.
const RegionDescriptor& require_length(const RegionDescriptor& offered, std::size_t bytes, const char* what, int rank);

}  // namespace runnel
