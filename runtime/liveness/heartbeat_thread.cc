// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_thread.h"

#include <exception>
#include <future>
#include <optional>
#include <utility>

#include "runtime/base/start_thread.h"
#include "runtime/liveness/heartbeat_loop.h"

namespace runnel {

HeartbeatThread::HeartbeatThread(Context& context, const PeerGroup& group, HeartbeatMailbox::Callbacks callbacks,
                                 const EndPolicy& policy)
    : mailbox_(std::move(callbacks)) {
  std::promise<void> made;
  thread_ = start_thread("heartbeats", [&, this] {
    std::optional<HeartbeatLoop> loop;
    try {
      loop.emplace(mailbox_, context, group, policy);
      loop->add_to(offer_);
    } catch (...) {
      made.set_exception(std::current_exception());
      return;
    }
    made.set_value();
    loop->run();
  });
  try {
    made.get_future().get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

HeartbeatThread::~HeartbeatThread() {
  mailbox_.end();
  thread_.join();
}

void HeartbeatThread::add_to(ConnectionOffer& offer) const {
  offer.liveness_address = offer_.liveness_address;
  offer.heartbeats = offer_.heartbeats;
}

}  // namespace runnel
