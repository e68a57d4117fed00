// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <future>
#include <mutex>
#include <optional>
#include <queue>
#include <stdexcept>

#include "runtime/liveness/heartbeat_thread.h"
#include "tests/runtime/liveness/raw_process.h"

namespace runnel::test {

/// A process of a job that does nothing but exchange heartbeats.
class BeatingProcess {
 public:
  explicit BeatingProcess(Bootstrap& bootstrap, int generators = 1, const EndPolicy& policy = {})
      : group_(introduce(bootstrap, generators)), context_(over_tcp()) {
    thread_.emplace(context_, group_,
                    HeartbeatMailbox::Callbacks{.on_stop = [this](const Stop& stop) { stop_.set_value(stop); },
                                                .on_overdue = [] {},
                                                .on_wish = [this](const Stop& wish) { add(wish); }},
                    policy);
    if (policy.wish_grace.count() > 0) thread_->take_wishes(true);
    ConnectionOffer mine;
    thread_->add_to(mine);
    mine.data_address = mine.liveness_address;
    mine.control = mine.heartbeats;
    thread_->start(exchange_offers(bootstrap, mine, test_deadline(), {}));
    bootstrap.barrier(test_deadline());
  }

  /// Why the run has to stop, by this process's knowledge. Throws when that does not come by the deadline.
  Stop await_stop() {
    std::future<Stop> stop = stop_.get_future();
    if (stop.wait_for(test_deadline().remaining()) == std::future_status::timeout) {
      throw std::runtime_error("no reason to stop came in time");
    }
    return stop.get();
  }

  /// The next wish of a signal, as `await_stop`.
  Stop await_wish() {
    std::unique_lock lock(mutex_);
    if (!wished_.wait_for(lock, test_deadline().remaining(), [this] { return !wishes_.empty(); })) {
      throw std::runtime_error("no wish came in time");
    }
    const Stop wish = wishes_.front();
    wishes_.pop();
    return wish;
  }

  HeartbeatThread& thread() { return *thread_; }

 private:
  void add(const Stop& wish) {
    const std::lock_guard lock(mutex_);
    wishes_.push(wish);
    wished_.notify_all();
  }

  PeerGroup group_;
  Context context_;
  std::promise<Stop> stop_;
  std::mutex mutex_;
  std::condition_variable wished_;
  std::queue<Stop> wishes_;
  std::optional<HeartbeatThread> thread_;
};

}  // namespace runnel::test
