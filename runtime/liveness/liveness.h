// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/launch/process_policy.h"
#include "runtime/liveness/heartbeat_thread.h"
#include "transport/waiter.h"

namespace runnel {

/// What this process is doing, for the error line when a peer is lost.
enum class Phase : std::uint8_t { bootstrap, push, reduce, publish, pull, evaluate };

/// What signals ask for during the steps of a run with checkpoints: one, after which the run goes on, or one and the
/// end.
enum class Wish : std::uint8_t { none, checkpoint, end };

/// The process that a run cannot go on without, and what happened to it.
struct Loss {
  int rank = 0;
  std::string cause;
};

/// The run ends because a peer is gone or late. Its text names rank, host and phase.
class PeerLost : public RunError {
 public:
  PeerLost(Loss loss, const std::string& message) : RunError(ExitStatus::peer_lost, message), loss_(std::move(loss)) {}

  const Loss& loss() const { return loss_; }

 private:
  Loss loss_;
};

/// The run ends because a peer is gone or late, and another process reports that.
class ReportedPeerLost : public AlreadyReported {
 public:
  explicit ReportedPeerLost(Loss loss) : AlreadyReported(ExitStatus::peer_lost), loss_(std::move(loss)) {}

  const Loss& loss() const { return loss_; }

 private:
  Loss loss_;
};

/// The loss of a `PeerLost` or `ReportedPeerLost`; null for another error.
const Loss* loss_of(const std::exception& error);

/// The main thread's view of its HeartbeatThread: whether the run has to stop, and the error to end with. When the main
/// thread does not end the process in time, because it computes or hangs, this does.
/// Thread: the main thread; the heartbeat thread calls only what is private.
class Liveness {
 public:
  /// `context` is shared between threads and, like `group`, outlives this.
  /// `graces`: its `takes_signals` follows from `process`.
  Liveness(Context& context, const PeerGroup& group, ProcessPolicy process = {}, EndPolicy graces = {});

  void add_to(ConnectionOffer& offer) const { thread_.add_to(offer); }

  /// Connects and begins to beat.
  void start(const std::vector<ConnectionOffer>& offers) { thread_.start(offers); }

  /// Interrupts `waiter` when the run has to stop; at once if that is so already. The waiter lives until it is
  /// replaced, by another one or by nullptr.
  void interrupt_on_stop(Waiter* waiter);

  /// Records what the main thread does now. Relaxed stores: free on the step path.
  void enter(Phase phase, std::uint64_t step) {
    phase_.store(phase, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
  }

  /// Called again and again in waits: lets a process of somebody else do what it wants to meanwhile, once in
  /// `ProcessPolicy::kInterval`. Throws what ends the run there.
  void on_wait();
  bool calls_back() const { return static_cast<bool>(process_.while_waiting); }

  bool stopping() const { return stopping_.load(std::memory_order_acquire); }

  /// Throws the error to end with once `stopping()`: `PeerLost`, `ReportedPeerLost`, or as `throw_stopped` for a
  /// signal. In a process of somebody else it has a text, whoever has reported the cause.
  [[noreturn]] void throw_stop() const;

  /// Throws the error to end with when the main thread finds that it has lost its connection to rank `rank`. Waits
  /// briefly for the heartbeat thread: if that learns why the run has to stop, throws as `throw_stop`.
  [[noreturn]] void throw_lost(int rank, const std::string& cause) const;

  /// Throws the `PeerLost` to end with when rank `rank` is alive but late; `remedy` says what the user can do.
  [[noreturn]] void throw_late(int rank, const std::string& cause, const std::string& remedy) const;

  /// From here on a signal at any process is a wish where `EndPolicy::wish_grace` says so, until `end_steps`: then one
  /// that nobody has granted ends the run. The lead.
  void begin_steps() { thread_.take_wishes(true); }
  void end_steps() { thread_.take_wishes(false); }

  /// The lead polls this at the end of each step. `checkpoint` is given once for each time that it is asked for, `end`
  /// again and again. An atomic load: free on the step path.
  Wish take_wish();

  /// Ends the run that a wish asks to end, after the checkpoint: notifies the peers, which end without a line, and
  /// throws the error to end with. `outcome` ends its text: "step 40 is saved". The lead, after `Wish::end`.
  [[noreturn]] void end_as_wished(const std::string& outcome);

  /// See HeartbeatThread.
  void leave() { thread_.leave(); }

  /// Notifies peers of an error that the main thread reports. If the heartbeat thread has to end the process later, it
  /// does so without a line.
  void fail(StopCause cause) {
    main_thread_reports_.store(true);
    thread_.fail(cause);
  }

 private:
  [[noreturn]] void throw_stop_with_text() const;
  void on_stop(const Stop& reason);
  void on_wish(const Stop& wish);
  void end_process() const;
  [[noreturn]] void throw_about(int rank, const char* state, const std::string& cause, const std::string& remedy) const;

  const PeerGroup& group_;
  ProcessPolicy process_;
  std::chrono::steady_clock::time_point called_back_at_;  // of the main thread
  std::atomic<Phase> phase_{Phase::bootstrap};
  std::atomic<std::uint64_t> step_{0};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> main_thread_reports_{false};
  Stop stop_;  // written once, before stopping_
  std::atomic<bool> asked_for_checkpoint_{false};
  std::atomic<bool> asked_to_end_{false};
  Stop end_wish_;            // written once, before asked_to_end_
  std::mutex waiter_mutex_;  // held while the waiter is interrupted, so that it is not replaced meanwhile
  Waiter* waiter_ = nullptr;
  HeartbeatThread thread_;
};

}  // namespace runnel
