// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/liveness/liveness.h"
#include "transport/bell.h"
#include "transport/completion_queue.h"
#include "transport/deadline.h"
#include "transport/park_word.h"
#include "transport/waiter.h"
#include "transport/worker.h"

namespace runnel {

/// What a completion belongs to: a peer, by its rank, and a number whose meaning is that of the one who asked for it.
struct Tag {
  int rank = 0;
  std::uint32_t about = 0;

  std::uint64_t encode() const { return (std::uint64_t{about} << 32) | static_cast<std::uint32_t>(rank); }
  static Tag decode(std::uint64_t word) {
    return {.rank = static_cast<int>(word & 0xFFFFFFFF), .about = static_cast<std::uint32_t>(word >> 32)};
  }
};

/// This process's completion queue, and every wait for what comes out of it.
///
/// A wait ends when its condition holds, a peer is lost, the run has to stop, or its deadline passes; the error names
/// the rank that was waited for. Thread: the worker's.
class CompletionLoop {
 public:
  /// `operations`: how many transfers may be under way at once. `park_word`: this process's. Waits end by `bootstrap`
  /// until `park_on` is called, and then after `timeout` each. The references outlive this.
  CompletionLoop(Worker& worker, std::size_t operations, const ParkWord& park_word, const PeerGroup& group,
                 Liveness& liveness, const Deadline& bootstrap, std::chrono::nanoseconds timeout);
  ~CompletionLoop();

  CompletionLoop(const CompletionLoop&) = delete;
  CompletionLoop& operator=(const CompletionLoop&) = delete;

  CompletionQueue& queue() { return queue_; }

  /// Ends the bootstrap: from here on waits park as `how` says.
  void park_on(ParkOn how);

  /// The deadline of a wait that begins now.
  Deadline deadline() const { return bootstrap_ ? *bootstrap_ : Deadline::after(timeout_); }

  /// Waits until `done()`; `handle(completion, tag)` gets every completion meanwhile, none of which has failed.
  /// `awaited()` is the rank to blame when the time is up. Throws `RunError`.
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
      dispatch(polled.count, handle);
      if (done()) return;
      if (!polled.status.ok()) {
        require_going_on();  // `awaited` may throw for a reason of its own
        throw_for(polled.status, awaited());
      }
      polled = busy() ? poll_busily(until) : wait(until);
    }
  }

  /// Polls the queue once; `handle(completion, tag)` gets every completion.
  template <class Handle>
  void poll(Handle&& handle) {
    dispatch(queue_.poll(completions_), handle);
  }

  /// Polls the queue and drops what it gives, failures too. Bells are read from memory, so none is missed.
  void drop_completions();

  /// Rings `bell` of `rank`. Throws as `throw_for`.
  void ring(RemoteBell& bell, std::uint64_t word, int rank);

  /// Waits until the bell that `rank` rings is at least `word`, regardless of anything else.
  void await(const Bell& bell, std::uint64_t word, int rank);

  /// As `wait_until`, but drops all completions, failures too: where only bells count, or at the end, when peers may be
  /// gone already.
  template <class Done, class Awaited>
  void wait_regardless(Done&& done, Awaited&& awaited) {
    const Deadline until = deadline();
    CompletionQueue::Polled polled = {.count = queue_.poll(completions_), .status = {}};
    while (!done()) {
      if (!polled.status.ok()) {
        require_going_on();
        throw_for(polled.status, awaited());
      }
      polled = wait(until);
    }
  }

  /// Waits until every transfer is complete or has failed.
  template <std::invocable Awaited>
  void wait_for_transfers(Awaited&& awaited) {
    wait_regardless([this] { return queue_.in_flight() == 0; }, awaited);
  }

  /// The same where all transfers are with `rank`.
  void wait_for_transfers(int rank) {
    wait_for_transfers([rank] { return rank; });
  }

  /// Throws the error to end with when the run has to stop.
  void require_going_on() const {
    if (liveness_.stopping()) liveness_.throw_stop();
  }

  /// What this process does while it waits in the bootstrap for others: it lets its worker progress, as they may need
  /// it, or leaves that alone. Both throw as `require_going_on`.
  Meanwhile progress();
  Meanwhile silence() const;

  /// Throws the error to end with after `status` on a transfer with, or a wait for, `rank`: `PeerLost` when `rank` is
  /// gone or late, else `RunError` (internal) with UCX's text.
  [[noreturn]] void throw_for(const Status& status, int rank) const;

 private:
  template <class Handle>
  void dispatch(std::size_t count, Handle&& handle) {
    for (const Completion& completion : std::span(completions_).first(count)) {
      const Tag tag = Tag::decode(completion.tag);
      if (!completion.status.ok()) throw_for(completion.status, tag.rank);
      handle(completion, tag);
    }
  }

  CompletionQueue::Polled poll_busily(const Deadline& until);
  CompletionQueue::Polled wait(const Deadline& until);

  Worker& worker_;
  ParkWord park_word_;
  const PeerGroup& group_;
  Liveness& liveness_;
  std::optional<Deadline> bootstrap_;  // while it lasts
  std::chrono::nanoseconds timeout_;   // of one wait in the step path
  CompletionQueue queue_;
  std::optional<Waiter> waiter_;
  std::array<Completion, 64> completions_;
};

}  // namespace runnel
