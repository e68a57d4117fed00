// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/liveness/heartbeat_thread.h"
#include "transport/waiter.h"

namespace runnel {

/// What this process is doing, for the line that it ends with when a peer is lost.
enum class Phase : std::uint8_t { bootstrap, push, reduce, publish, pull, evaluate };

/// The run ends because a peer is gone. Its text names rank, host and phase, and is empty when another process says so.
class PeerLost : public RunError {
 public:
  PeerLost(int rank, std::string cause, const std::string& message)
      : RunError(ExitStatus::peer_lost, message), rank_(rank), cause_(std::move(cause)) {}

  int rank() const { return rank_; }
  const std::string& cause() const { return cause_; }

 private:
  int rank_;
  std::string cause_;
};

/// The main thread's view of its HeartbeatThread: whether the run has to stop, and the error to end with. When the main
/// thread does not end the process in time, because it computes or hangs, this does.
/// Thread: the main thread's, but for what the heartbeat thread calls inside.
class Liveness {
 public:
  /// `context` is shared between threads and, like `group`, outlives this.
  Liveness(Context& context, const PeerGroup& group);

  void add_to(ConnectionOffer& offer) const { thread_.add_to(offer); }

  /// Connects and begins to beat.
  void start(const std::vector<ConnectionOffer>& offers) { thread_.start(offers); }

  /// Interrupts `waiter` when the run has to stop, or at once when it has to already. The waiter lives until it is
  /// replaced, by another one or by nullptr.
  void interrupt_on_stop(Waiter* waiter);

  /// Says what the main thread does now. Relaxed stores: free on the step path.
  void enter(Phase phase, std::uint64_t step) {
    phase_.store(phase, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
  }

  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  /// Throws the error to end with once `stopping()`: `PeerLost`, or `RunError` with 130 or 143 for a signal.
  [[noreturn]] void throw_stop() const;

  /// Throws the error to end with when the main thread finds out first that the peer of rank `rank` is lost, and why.
  /// Gives the heartbeat thread a moment: where that knows why the run has to stop, throws as `throw_stop`.
  [[noreturn]] void throw_lost(int rank, const std::string& cause) const;

  /// Throws the `PeerLost` to end with when the peer of rank `rank` lives but has not done its part in time; `remedy`
  /// is what to do about it.
  [[noreturn]] void throw_late(int rank, const std::string& cause, const std::string& remedy) const;

  /// See HeartbeatThread.
  void leave() { thread_.leave(); }
  void fail(StopCause cause) { thread_.fail(cause); }

  /// The main thread has said why the process ends: from here on nobody says it again.
  void keep_silent() { said_.store(true); }

 private:
  void on_stop(const Stop& reason);
  void end_process() const;
  [[noreturn]] void throw_about(int rank, const char* state, const std::string& cause, const std::string& remedy) const;

  const PeerGroup& group_;
  std::atomic<Phase> phase_{Phase::bootstrap};
  std::atomic<std::uint64_t> step_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> said_{false};
  Stop stop_;                // written once, before stopping_
  std::mutex waiter_mutex_;  // held while the waiter is interrupted, so that it is not replaced meanwhile
  Waiter* waiter_ = nullptr;
  HeartbeatThread thread_;
};

}  // namespace runnel
