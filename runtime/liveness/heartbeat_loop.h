// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/launch/stop_signals.h"
#include "runtime/liveness/heartbeat_link.h"
#include "runtime/liveness/heartbeat_thread.h"
#include "transport/completion_queue.h"
#include "transport/slab.h"
#include "transport/worker.h"

namespace runnel {

/// What runs in the heartbeat thread. Line 0 of its slab is a park word that nobody sleeps on; then comes a line a
/// peer. Thread: the heartbeat thread makes, runs and destroys it.
class HeartbeatThread::Loop {
 public:
  /// Adds this process's address and region to the owner's offer.
  Loop(HeartbeatThread& owner, Context& context, const PeerGroup& group);
  ~Loop();

  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Returns when the owner ends.
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void connect();
  void connect(HeartbeatLink& link, std::size_t index);
  void forgive(Clock::time_point now);
  void beat();
  void handle_queue();
  void handle(const Completion& completion);
  void hear(HeartbeatLink& link, std::uint64_t value);
  void lose(HeartbeatLink& link, StopCause cause);
  void give_up(HeartbeatLink& link, StopCause cause);
  void check_silence(Clock::time_point now);
  void check_deadlines(Clock::time_point now);
  void check_farewell();
  void say(HeartbeatWord::State state, const Stop& reason);
  void stop(const Stop& reason);
  void sleep_until(Clock::time_point next_beat);
  void take_signals();

  HeartbeatThread& owner_;
  const PeerGroup& group_;
  StopSignals signals_;
  std::vector<int> peers_;  // ranks
  Worker worker_;
  Slab slab_;
  CompletionQueue queue_;
  std::vector<std::unique_ptr<HeartbeatLink>> links_;  // of peers_; a queue's tag is its index
  bool connected_ = false;
  std::vector<pollfd> poll_fds_;
  HeartbeatWord word_;
  std::optional<Clock::time_point> sigterm_at_;
  std::optional<Clock::time_point> overdue_at_;
};

}  // namespace runnel
