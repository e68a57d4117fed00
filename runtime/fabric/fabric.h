// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/fabric/completion_loop.h"
#include "runtime/launch/process_policy.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/liveness.h"
#include "runtime/telemetry/trace.h"
#include "transport/context.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/worker.h"

namespace runnel {

/// What a generator and a trainer have alike: this process's end of the job's transport, and the watch over its peers.
///
/// Thread: the main thread's.
class Fabric {
 public:
  /// Makes context, worker, and a control slab of `control_bytes` whose first line is the park word; and a loop for
  /// `operations` transfers at once, whose waits end by `bootstrap` until `park_on`. `device`: where the
  /// tensors of this process lie, else null; it outlives this. `tensor_bytes`: of the slabs in host memory that the
  /// caller will allocate: shared memory must have room for them before UCX starts; 0 leaves it to the slabs. Throws
  /// `TransportError`, `RunError`.
  Fabric(const PeerGroup& group, const Config& config, std::size_t control_bytes, std::size_t operations,
         const Deadline& bootstrap, Device* device, std::size_t tensor_bytes, const ProcessPolicy& process = {});

  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;

  const PeerGroup& group() const { return group_; }
  Context& context() { return context_; }
  Worker& worker() { return worker_; }
  Slab& control() { return control_; }
  Device* device() const { return device_; }

  /// Where the tensors lie that this process shares with `peer`.
  MemoryPlace place_with(const Peer& peer) const {
    return device_ != nullptr && peer.has_device() ? MemoryPlace::device : MemoryPlace::host;
  }

  /// What this process does when; off in a run without run.trace.
  Trace& trace() { return trace_; }

  /// Where the trace lies, for peers to read.
  const std::optional<Slab>& trace_slab() const { return trace_slab_; }

  CompletionLoop& loop() { return loop_; }
  const CompletionLoop& loop() const { return loop_; }
  Liveness& liveness() { return liveness_; }
  const Liveness& liveness() const { return liveness_; }
  MappingPolicy mapping_policy() const { return mapping_policy_; }

  /// The offer of a process that has only control memory, and a trace: a generator adds its tensors.
  ConnectionOffer offer() const;

  /// An endpoint to `peer`, which sent `offer`. Throws `RunError` (69) when no transport leads there, and
  /// `TransportError`.
  Endpoint connect(const Peer& peer, const ConnectionOffer& offer);

  /// After an error of this process, `cause`: notifies its peers, which then stop at once instead of waiting for it,
  /// and gives transfers a moment to end. UCX 1.22 aborts a process that leaves copies between processes (cma) under
  /// way. In another thread than the worker's it only notifies.
  void fail(StopCause cause = StopCause::own_error);

 private:
  // Before UCX and the heartbeats start threads.
  std::optional<BlockedStopSignals> blocked_;  // in a process of the runtime's own
  std::unique_ptr<HeldSignals> held_;          // else, until they are started
  const PeerGroup& group_;
  Device* device_;
  MappingPolicy mapping_policy_;
  Context context_;
  Worker worker_;
  Slab control_;
  std::optional<Slab> trace_slab_;
  Trace trace_;
  Liveness liveness_;
  CompletionLoop loop_;
};

}  // namespace runnel
