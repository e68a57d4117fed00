// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/handshake.h"
#include "runtime/telemetry/trace_file.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"

namespace runnel {

/// A process's name in the trace file: "trainer 1 (node7)".
std::string trace_name(const Peer& peer);

/// The lead generator's hold on the traces of all other processes, which it gets out of their memory at the end of a
/// run. Thread: the main thread's.
class TraceCollector {
 public:
  /// The trace of `fabric`, which outlives this, is on.
  explicit TraceCollector(Fabric& fabric) : fabric_(fabric) {}

  /// `endpoint`, to `peer`, outlives this; `offers` are those of all ranks. Throws `FrameError`, `TransportError`.
  void add(const Peer& peer, Endpoint& endpoint, const std::vector<ConnectionOffer>& offers);

  /// The traces of all that were added, who progress; waits until they are closed. This process's own, which is closed,
  /// is overwritten: it lies where the others land. `trainers` has the clocks. Throws `RunError`: as
  /// `CompletionLoop::wait_until`, and for a trace that is none.
  std::vector<ProcessTrace> collect(const std::vector<TrainerFacts>& trainers);

 private:
  struct Source {
    const Peer& peer;
    RemoteRegion region;
  };

  RecordedTrace fetch(const Source& source);
  void get(const Source& source, std::size_t bytes);

  Fabric& fabric_;
  std::vector<Source> sources_;
};

}  // namespace runnel
