// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <thread>
#include <vector>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/liveness/end_policy.h"
#include "runtime/liveness/heartbeat_mailbox.h"
#include "transport/context.h"

namespace runnel {

/// The thread that sends and watches heartbeats, between processes that are connected, and that receives the signals
/// which `BlockedStopSignals` holds back, in a process that the runtime owns. It owns a worker, a slab and endpoints of
/// its own, so it works while the main thread computes. Every process forwards a stop to its peers, so that all ranks
/// are notified.
class HeartbeatThread {
 public:
  /// Starts the thread, which watches the processes of this host from here on. `context` is shared between threads and,
  /// like `group`, outlives this. Throws `TransportError`.
  HeartbeatThread(Context& context, const PeerGroup& group, HeartbeatMailbox::Callbacks callbacks,
                  const EndPolicy& policy);

  /// Ends the thread. Unless `leave` was called before, peers treat that as a loss.
  ~HeartbeatThread();

  HeartbeatThread(const HeartbeatThread&) = delete;
  HeartbeatThread& operator=(const HeartbeatThread&) = delete;

  /// Adds this process's address and region to `offer`.
  void add_to(ConnectionOffer& offer) const;

  /// Connects and begins to beat.
  void start(const std::vector<ConnectionOffer>& offers) { mailbox_.connect(offers); }

  /// Notifies peers that silence from here on is no loss (`leave`), or that they have to stop because of an error of
  /// this process (`fail`). Returns when they have received that, or after 1 s.
  void leave() { mailbox_.send_farewell(HeartbeatMailbox::Farewell::leave); }
  void fail(StopCause cause) { mailbox_.send_farewell(HeartbeatMailbox::Farewell::fail, cause); }

  /// See HeartbeatMailbox.
  void take_wishes(bool takes) { mailbox_.take_wishes(takes); }

 private:
  HeartbeatMailbox mailbox_;
  ConnectionOffer offer_;  // this process's part, written before the constructor returns
  std::thread thread_;
};

}  // namespace runnel
