// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/client/gradient_channel.h"
#include "runtime/client/parameter_channel.h"
#include "runtime/client/tensor_window.h"
#include "runtime/device/device.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/handshake.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/protocol/tensor_slabs.h"
#include "transport/remote_region.h"

namespace runnel {

/// A trainer's tensors of both kinds.
struct TensorWindows {
  TensorWindow gradients;
  TensorWindow parameters;
};

/// What copies them where they lie on a device; else empty.
struct TensorStreams {
  std::unique_ptr<DeviceStream> gradients;
  std::unique_ptr<DeviceStream> parameters;
};

/// What a trainer has of one generator. The link is declared before what its endpoint's transfers use. Thread: the main
/// thread's.
struct GeneratorPeer {
  /// `state_count`: how many states the optimizer keeps. `first`: version that the run begins with. The other arguments
  /// outlive this. Throws as `GeneratorLink` and the channels.
  GeneratorPeer(Fabric& fabric, const ConnectionOffer& offer, int generator, const BucketLayout& layout,
                TensorWindows& windows, const TensorStreams& streams, std::size_t state_count, std::uint64_t first)
      : link(fabric, offer, generator),
        shard(layout.shard(static_cast<std::size_t>(generator))),
        gradients(fabric, link, require_tensors(offer, fabric.place_with(link.peer), link.peer.rank).gradients, layout,
                  shard, windows.gradients, streams.gradients.get()),
        parameters(fabric, link, require_tensors(offer, fabric.place_with(link.peer), link.peer.rank).parameters,
                   layout, shard, windows.parameters, streams.parameters.get()),
        protocol(shard.buckets, first) {
    if (!offer.states) return;
    const std::size_t bytes = StateSlab::bytes(layout, shard, state_count);
    states.emplace(link.endpoint, require_length(*offer.states, bytes, "state", link.peer.rank),
                   fabric.mapping_policy());
  }

  /// What the path is probed with: the slots, and memory that payload goes from. On a device that is the tensors' own,
  /// which is free until the first step, as the slots are: a shard of two copies has room for a probe area.
  ProbedGenerator to_probe(Fabric& fabric, const TensorWindows& windows) {
    static_assert(TensorWindow::kCopies * kBlockBytes >= PathProbe::kProbeBytes);
    const bool on_device = fabric.device() != nullptr;
    return {.link = link,
            .gradients = gradients.slots(),
            .parameters = parameters.region(),
            .local = on_device ? windows.gradients.slab() : fabric.control(),
            .offset = on_device ? static_cast<std::size_t>(link.peer.index) * PathProbe::kProbeBytes
                                : probe_offset_on_host(link)};
  }

  GeneratorLink link;
  const Shard& shard;
  GradientChannel gradients;
  ParameterChannel parameters;
  std::optional<RemoteRegion> states;  ///< of the optimizer, where the generator shares them
  TrainerProtocol protocol;
  std::uint32_t noted = 0;  ///< last buckets of the current step that the trace knows to be computed
};

}  // namespace runnel
