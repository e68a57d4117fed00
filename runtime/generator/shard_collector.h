// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/fabric/fabric.h"
#include "runtime/generator/trace_collector.h"
#include "runtime/protocol/bucket_layout.h"
#include "transport/bell.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// The lead generator's connections to the other generators: collects their parameters at the end, and ends their runs.
/// Thread: the main thread's.
class ShardCollector {
 public:
  /// The word of the lead bell that ends a generator's run.
  static constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();

  /// The version that the lead wants checkpointed, by the word of the lead bell; 0: the word says something else.
  static constexpr std::uint64_t announced_version(std::uint64_t word) { return word == kEnd ? 0 : word - kHello; }

  /// `layout` outlives this. Throws `FrameError`, `TransportError`, and as `Fabric::connect`.
  ShardCollector(Fabric& fabric, const std::vector<ConnectionOffer>& offers, const BucketLayout& layout);

  /// Rings a first bell at each of them, which progresses, so that what does not connect shows at once. Throws
  /// `RunError`.
  void ring_hello();

  /// Lets `traces` reach the others as well.
  void add_to(TraceCollector& traces, const std::vector<ConnectionOffer>& offers);

  /// All parameters in `buffer` of every generator, of which `own` are this one's; they are complete, and the others
  /// progress. Throws `RunError`.
  std::span<float> collect(int buffer, std::span<const float> own);

  /// Tells the others to checkpoint `version`, at least 1; they know on return. Throws `RunError`.
  void announce_checkpoint(std::uint64_t version) { ring_all(kHello + version); }

  /// Ends the others' runs. Throws `RunError`.
  void end_run();

 private:
  static constexpr std::uint64_t kHello = 1;

  struct Other {
    Other(Fabric& fabric, const ConnectionOffer& offer, int generator, const BucketLayout& layout);

    const Peer& peer;
    const Shard& shard;
    Endpoint endpoint;
    RemoteRegion control;
    RemoteRegion parameters;
    RemoteBell bell;
  };

  void ring_all(std::uint64_t word);

  Fabric& fabric_;
  const BucketLayout& layout_;
  Slab whole_;  // before the endpoints, whose gets write it
  std::vector<std::unique_ptr<Other>> others_;
};

}  // namespace runnel
