// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "transport/deadline.h"
#include "transport/owned_fd.h"
#include "transport/park_word.h"
#include "transport/status.h"
#include "transport/worker.h"

namespace runnel {

/// What wakes a thread that has parked, which follows from how its peers write.
enum class ParkOn : std::uint8_t {
  park_word,      ///< every peer rings through a mapping, and wakes the park word
  capped_events,  ///< some peer writes silently (a put through shared memory), so sleeps are short at first
  events,         ///< every peer's writes arrive over a network, and wake the worker's event descriptor
};

/// Waits without wasting the core: polls a few times, then yields, then parks. Spinning on costs a factor of 4 to 10
/// where processes outnumber cores.
///
/// Thread: the worker's, but for `interrupt`.
class Waiter {
 public:
  /// `park_word`: this process's, in a slab that peers map. Throws `TransportError` when descriptors are short.
  Waiter(Worker& worker, const ParkWord& park_word, ParkOn park_on);

  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Calls `ready`, which progresses the worker (polls a queue), until it returns true.
  /// Returns ok, deadline_exceeded or interrupted; after an interrupt every wait returns interrupted, ready or not.
  template <class Ready>
  Status wait(Ready&& ready, const Deadline& deadline) {
    for (Backoff backoff = start();;) {
      if (interrupted()) return Status(StatusCode::interrupted, "wait");
      if (ready()) return Status();
      if (deadline.expired()) return Status(StatusCode::deadline_exceeded, "wait");
      if (!must_park(backoff)) continue;
      const std::uint32_t ticket = announce();
      const bool is_ready = ready();
      if (!is_ready && !interrupted()) sleep(ticket, backoff.parks++, deadline);
      retract();
      if (is_ready) return Status();
    }
  }

  /// Ends the present wait and every later one. Any thread; async-signal-safe.
  void interrupt();
  bool interrupted() const { return interrupted_.load(std::memory_order_acquire); }

 private:
  /// How far a wait has gone from spinning to parking; starts anew whenever the worker had something to do.
  struct Backoff {
    std::uint64_t events;
    unsigned polls;
    unsigned parks;
  };

  Backoff start() const { return {.events = worker_.events(), .polls = 0, .parks = 0}; }
  bool must_park(Backoff& backoff) const;
  std::uint32_t announce();
  void sleep(std::uint32_t ticket, unsigned parks, const Deadline& deadline);
  void retract();

  Worker& worker_;
  ParkWord park_word_;
  ParkOn park_on_;
  std::atomic<bool> interrupted_ = false;
  OwnedFd interrupt_fd_;
  OwnedFd epoll_fd_;
};

}  // namespace runnel
