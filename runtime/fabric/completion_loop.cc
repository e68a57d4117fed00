// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/completion_loop.h"

#include <string>
#include <thread>

namespace runnel {
namespace {

/// Whether the peer is gone or late; any other status is a fault of ours or of UCX.
bool is_peer_failure(StatusCode code) {
  return code == StatusCode::peer_lost || code == StatusCode::canceled || code == StatusCode::unreachable ||
         code == StatusCode::deadline_exceeded;
}

}  // namespace

CompletionLoop::CompletionLoop(Worker& worker, std::size_t operations, const ParkWord& park_word,
                               const PeerGroup& group, Liveness& liveness, const Deadline& bootstrap,
                               std::chrono::nanoseconds timeout)
    : worker_(worker),
      park_word_(park_word),
      group_(group),
      liveness_(liveness),
      bootstrap_(bootstrap),
      timeout_(timeout),
      queue_(worker, operations) {
  // Until paths are known, any peer may write silently.
  waiter_.emplace(worker_, park_word_, ParkOn::capped_events);
  liveness_.interrupt_on_stop(&*waiter_);
}

CompletionLoop::~CompletionLoop() {
  liveness_.interrupt_on_stop(nullptr);
}

void CompletionLoop::park_on(ParkOn how) {
  bootstrap_.reset();
  liveness_.interrupt_on_stop(nullptr);
  waiter_.emplace(worker_, park_word_, how);
  liveness_.interrupt_on_stop(&*waiter_);
}

void CompletionLoop::ring(RemoteBell& bell, std::uint64_t word, int rank) {
  const Status status = queue_.ring(bell, word, Tag{.rank = rank}.encode());
  if (!status.ok()) throw_for(status, rank);
}

void CompletionLoop::await(const Bell& bell, std::uint64_t word, int rank) {
  wait_regardless([&] { return bell.value() >= word; }, [rank] { return rank; });
}

CompletionQueue::Polled CompletionLoop::poll_busily(const Deadline& until) {
  const std::size_t count = queue_.poll(completions_);
  if (count > 0) return {.count = count, .status = {}};
  if (liveness_.stopping()) return {.count = 0, .status = Status(StatusCode::interrupted, "wait")};
  if (until.expired()) return {.count = 0, .status = Status(StatusCode::deadline_exceeded, "wait")};
  std::this_thread::yield();
  return {};
}

/// Sleeps until something completes; where somebody else wants to be called meanwhile, for an interval at most.
CompletionQueue::Polled CompletionLoop::wait(const Deadline& until) {
  if (!liveness_.calls_back()) return queue_.wait(completions_, *waiter_, until);
  liveness_.on_wait();
  CompletionQueue::Polled polled = queue_.wait(completions_, *waiter_, until.within(ProcessPolicy::kInterval));
  if (polled.status.code() == StatusCode::deadline_exceeded && !until.expired()) polled.status = {};
  return polled;
}

Meanwhile CompletionLoop::progress() {
  return [this] {
    liveness_.on_wait();
    require_going_on();
    drop_completions();
  };
}

Meanwhile CompletionLoop::silence() const {
  return [this] {
    liveness_.on_wait();
    require_going_on();
  };
}

void CompletionLoop::drop_completions() {
  (void)queue_.poll(completions_);
}

void CompletionLoop::throw_for(const Status& status, int rank) const {
  require_going_on();
  if (!is_peer_failure(status.code())) {
    throw RunError(ExitStatus::internal, "a transfer with " + group_.at(rank).name + " failed rank=" +
                                             std::to_string(group_.self().rank) + " peer=" + std::to_string(rank) +
                                             " cause=" + status.message() + "; report it with the lines above");
  }
  if (status.code() != StatusCode::deadline_exceeded) liveness_.throw_lost(rank, status.message());
  if (bootstrap_) {
    liveness_.throw_late(rank, "it did not come through the bootstrap in time",
                         "look at what else that host is doing, then start the run again");
  }
  liveness_.throw_late(rank, "it did not do its part within run.timeout_s",
                       "raise run.timeout_s if a step or a test takes that long");
}

}  // namespace runnel
