// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/liveness.h"
#include "runtime/telemetry/trace.h"
#include "transport/completion_queue.h"
#include "transport/context.h"
#include "transport/endpoint.h"
#include "transport/path.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/waiter.h"
#include "transport/worker.h"

namespace runnel {

/// In a generator, the tags of all completions have the peer's rank in their lower half.
inline int rank_of_tag(std::uint64_t tag) {
  return static_cast<int>(tag & 0xFFFFFFFF);
}

/// What a generator and a trainer have alike: this process's end of the job's transport, and the watch over its peers.
///
/// Thread: the main thread's.
class Fabric {
 public:
  /// Makes context, worker, and a control slab of `control_bytes` whose first line is the park word. `operations` is
  /// how many transfers may be under way at once. Every wait until `park_for` ends by `bootstrap`. `device`: where the
  /// tensors of this process lie, else null; it outlives this. Throws `TransportError`, `RunError`.
  Fabric(const PeerGroup& group, const Config& config, std::size_t control_bytes, std::size_t operations,
         const Deadline& bootstrap, Device* device = nullptr);
  ~Fabric();

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

  CompletionQueue& queue() { return queue_; }
  Liveness& liveness() { return liveness_; }
  const Liveness& liveness() const { return liveness_; }
  MappingPolicy mapping_policy() const { return mapping_policy_; }

  /// The offer of a process that has only control memory, and a trace: a generator adds its tensors.
  ConnectionOffer offer() const;

  /// An endpoint to `peer`, which sent `offer`. Throws `RunError` (69) when no transport leads there, and
  /// `TransportError`.
  Endpoint connect(const Peer& peer, const ConnectionOffer& offer);

  /// Ends the bootstrap: from here on, waits park as suits the paths by which peers write to this process, and each one
  /// has run.timeout_s of its own.
  void park_for(std::span<const PathReport> paths);

  /// The deadline of a wait that begins now: the bootstrap's, later run.timeout_s from now.
  Deadline deadline() const { return bootstrap_ ? *bootstrap_ : Deadline::after(timeout_); }

  /// Throws the error to end with when the run has to stop.
  void require_going_on() const {
    if (liveness_.stopping()) liveness_.throw_stop();
  }

  /// What this process does while it waits in the bootstrap for others: it lets its worker progress, as they may need
  /// it, or leaves that alone. Both throw as `require_going_on`.
  Meanwhile progress();
  Meanwhile silence() const;

  /// Waits until `done()`; every completion meanwhile goes to `handle`. Throws `RunError` when the run has to stop, and
  /// when run.timeout_s passes: then `awaited()` is the rank that has not done its part.
  template <class Handle, class Done, class Awaited>
  void wait_until(Handle&& handle, Done&& done, Awaited&& awaited) {
    wait_until(handle, done, awaited, [] { return false; });
  }

  /// The same where `done()` may also depend on work of this process's device, which wakes nobody: while `busy()`, the
  /// wait polls without sleeping.
  template <class Handle, class Done, class Awaited, class Busy>
  void wait_until(Handle&& handle, Done&& done, Awaited&& awaited, Busy&& busy) {
    const Deadline until = deadline();
    // Polls even when there is nothing to wait for: only a poll gives places in the queue back.
    CompletionQueue::Polled polled = {.count = queue_.poll(completions_), .status = {}};
    for (;;) {
      for (const Completion& completion : std::span(completions_).first(polled.count)) handle(completion);
      if (done()) return;
      if (!polled.status.ok()) {
        require_going_on();  // `awaited` may throw for a reason of its own
        throw_for(polled.status, awaited());
      }
      polled = busy() ? poll_busily(until) : queue_.wait(completions_, *waiter_, until);
    }
  }

  /// Throws the error to end with when `completion`, of `rank`'s bells, transfers and endpoint, is a failure.
  void check(const Completion& completion, int rank) const {
    if (!completion.status.ok()) throw_for(completion.status, rank);
  }

  /// Calls `post` until it gives something else than queue_full: operation slots free up as transfers complete. Every
  /// completion meanwhile goes to `handle`.
  template <class Post, class Handle>
  Status post_when_free(Post&& post, Handle&& handle) {
    const Deadline until = deadline();
    for (;;) {
      const Status status = post();
      if (status.code() != StatusCode::queue_full) return status;
      poll(handle);
      if (liveness_.stopping()) return Status(StatusCode::interrupted, "post");
      if (until.expired()) return Status(StatusCode::deadline_exceeded, "post");
      std::this_thread::yield();
    }
  }

  /// Polls the queue once; every completion goes to `handle`.
  template <class Handle>
  void poll(Handle&& handle) {
    for (const Completion& completion : std::span(completions_).first(queue_.poll(completions_))) handle(completion);
  }

  /// Polls the queue and forgets what it gives; bells are read from memory, so no news is lost.
  void drop_completions();

  /// Waits until every transfer is complete or has failed: for the end, when peers may be gone already. Throws as
  /// `wait_until`.
  template <std::invocable Awaited>
  void wait_for_transfers(Awaited&& awaited) {
    wait_until([](const Completion&) {}, [this] { return queue_.in_flight() == 0; }, awaited);
  }

  /// The same where all transfers are with `rank`.
  void wait_for_transfers(int rank) {
    wait_for_transfers([rank] { return rank; });
  }

  /// A generator's: reads from `offset` of the region of `rank` into `target`, a part of `slab`, and returns when the
  /// bytes are there. Bells that are rung meanwhile are not handled. Throws as `wait_until`.
  void get_and_wait(const RemoteRegion& region, std::size_t offset, std::span<std::byte> target, const Slab& slab,
                    int rank);

  /// After an error of this process: tells its peers, which then stop at once instead of waiting for it, and gives
  /// transfers a moment to end. UCX 1.22 aborts a process that leaves copies between processes (cma) under way.
  void fail();

  /// Throws the error to end with after `status` on a transfer with, or a wait for, `rank`: `PeerLost` when `rank` is
  /// gone or late, else `RunError` (internal) with UCX's text.
  [[noreturn]] void throw_for(const Status& status, int rank) const;

 private:
  CompletionQueue::Polled poll_busily(const Deadline& until);

  BlockedStopSignals blocked_;  // before UCX starts threads
  const PeerGroup& group_;
  Device* device_;
  MappingPolicy mapping_policy_;
  std::chrono::nanoseconds timeout_;   // of one wait in the step path
  std::optional<Deadline> bootstrap_;  // while it lasts
  Context context_;
  Worker worker_;
  Slab control_;
  std::optional<Slab> trace_slab_;
  Trace trace_;
  CompletionQueue queue_;
  std::optional<Waiter> waiter_;
  std::array<Completion, 64> completions_;
  Liveness liveness_;
};

}  // namespace runnel
