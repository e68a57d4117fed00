// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/liveness/heartbeat_word.h"
#include "transport/context.h"
#include "transport/owned_fd.h"

namespace runnel {

/// The thread that sends and watches heartbeats, between processes that are connected, and that receives the signals
/// which `BlockedStopSignals` holds back. It owns a worker, a slab and endpoints of its own, so it works while the main
/// thread computes. Everyone passes a stop on, so that all ranks learn of it.
class HeartbeatThread {
 public:
  static constexpr std::chrono::milliseconds kBeat{100};
  static constexpr std::chrono::milliseconds kTimeout{2000};

  /// How long the main thread has to end the process after a stop. After a loss the sum with kTimeout stays below the 5
  /// s in which a run ends; after a signal it stays below mpirun's SIGKILL, which comes 1 s after its SIGTERM.
  static constexpr std::chrono::milliseconds kGraceAfterLoss{1500};
  static constexpr std::chrono::milliseconds kGraceAfterSignal{400};

  /// mpirun answers the death of one rank with SIGTERM to the others, so a SIGTERM is believed only when no peer is
  /// found lost within this time.
  static constexpr std::chrono::milliseconds kBelieveSigterm{150};

  /// What the thread calls, in itself.
  struct Callbacks {
    std::function<void(const Stop&)> on_stop;  ///< once, when the run has to stop
    std::function<void()> on_overdue;          ///< the grace after on_stop is over and the process still runs
  };

  /// Starts the thread, which watches the processes of this host from here on. `context` is shared between threads and,
  /// like `group`, outlives this. Throws `TransportError`.
  HeartbeatThread(Context& context, const PeerGroup& group, Callbacks callbacks);

  /// Ends the thread; peers take it as a loss unless `leave` was called before.
  ~HeartbeatThread();

  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

  /// Adds this process's address and region to `offer`.
  void add_to(ConnectionOffer& offer) const;

  /// Connects and begins to beat.
  void start(const std::vector<ConnectionOffer>& offers);

  /// Tells peers that silence from here on is no loss (`leave`), or that they should stop (`fail`: this process has an
  /// error of its own). Returns when they know, or after 1 s.
  void leave() { say_farewell(Farewell::leave); }
  void fail(StopCause cause) {
    failure_.store(cause);
    say_farewell(Farewell::fail);
  }

 private:
  enum class Farewell : std::uint8_t { none, leave, fail };
  class Loop;

  void say_farewell(Farewell farewell);

  Callbacks callbacks_;
  ConnectionOffer offer_;                // this process's part, written before the constructor returns
  std::vector<ConnectionOffer> offers_;  // of all, written before started_
  OwnedFd command_fd_;                   // eventfd: one of the atomics below has changed
  std::atomic<bool> started_{false};
  std::atomic<bool> ending_{false};
  std::atomic<Farewell> farewell_{Farewell::none};
  std::atomic<StopCause> failure_{StopCause::own_error};
  std::atomic<bool> farewell_said_{false};
  std::thread thread_;
};

}  // namespace runnel
