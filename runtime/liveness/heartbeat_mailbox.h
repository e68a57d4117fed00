// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/launch/stop_cause.h"
#include "transport/owned_fd.h"

namespace runnel {

/// All that passes between the main thread, which gives orders, and the heartbeat thread, which reports stops.
class HeartbeatMailbox {
 public:
  /// The last word to the peers: silence from here on is no loss, or this process has an error of its own.
  enum class Farewell : std::uint8_t { none, leave, fail };

  /// Called by the heartbeat thread.
  struct Callbacks {
    std::function<void(const Stop&)> on_stop;  ///< once, when the run has to stop
    std::function<void()> on_overdue;          ///< the process still runs after the grace that follows on_stop
    std::function<void(const Stop&)> on_wish;  ///< a signal asks for a checkpoint (announced), or for the end
  };

  /// Throws `TransportError` when descriptors are short.
  explicit HeartbeatMailbox(Callbacks callbacks);

  /// Orders the connections to all peers; `offers` is by rank. Once. Main thread.
  void connect(std::vector<ConnectionOffer> offers);

  /// Orders the last word; returns when the peers have it, or after 1 s. `failure` is the cause that peers get with
  /// `fail`. Does nothing before `connect`. Main thread.
  void send_farewell(Farewell farewell, StopCause failure = StopCause::none);

  /// Whether signals are wishes from here on, where the run makes checkpoints. Main thread of the lead.
  void take_wishes(bool takes);

  /// Orders the end of the thread. Main thread.
  void end();

  /// Readable after an order; `clear_fd` makes it unreadable until the next one. Heartbeat thread.
  int fd() const { return fd_.get(); }
  void clear_fd() const;

  /// The orders so far; `offers` is null before `connect`. Heartbeat thread.
  const std::vector<ConnectionOffer>* offers() const { return connecting_.load() ? &offers_ : nullptr; }
  Farewell farewell() const { return farewell_sent_.load() ? Farewell::none : farewell_.load(); }
  StopCause failure() const { return failure_.load(); }
  bool takes_wishes() const { return takes_wishes_.load(); }
  bool ending() const { return ending_.load(); }

  /// The peers have received the last word. Heartbeat thread.
  void confirm_farewell() { farewell_sent_.store(true); }

  /// Heartbeat thread.
  void report_stop(const Stop& stop) const { callbacks_.on_stop(stop); }
  void report_overdue() const { callbacks_.on_overdue(); }
  void report_wish(const Stop& wish) const { callbacks_.on_wish(wish); }

 private:
  void ring() const;

  Callbacks callbacks_;
  OwnedFd fd_;                           // eventfd: one of the atomics below has changed
  std::vector<ConnectionOffer> offers_;  // written before connecting_
  std::atomic<bool> connecting_{false};
  std::atomic<bool> takes_wishes_{false};
  std::atomic<bool> ending_{false};
  std::atomic<Farewell> farewell_{Farewell::none};
  std::atomic<StopCause> failure_{StopCause::none};
  std::atomic<bool> farewell_sent_{false};
};

}  // namespace runnel
