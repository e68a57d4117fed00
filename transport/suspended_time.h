// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <chrono>

namespace runnel {

/// Time for which this process was suspended by job control (Ctrl-Z): no deadline counts it, as the peers were
/// suspended too. Who suspends the process calls `begin` before and `end` after. Any thread; async-signal-safe.
class SuspendedTime {
 public:
  using Clock = std::chrono::steady_clock;

  static void begin() {
    since_.store(Clock::now(), std::memory_order_relaxed);
    under_way_.store(true);
  }

  static void end() {
    const Clock::duration took = Clock::now() - since_.load(std::memory_order_relaxed);
    total_.store(total_.load(std::memory_order_relaxed) + took);
    under_way_.store(false);
  }

  /// Between `begin` and `end`: other threads run on before `end` has counted the time.
  static bool under_way() { return under_way_.load(); }

  static Clock::duration total() { return total_.load(); }

 private:
  static inline std::atomic<Clock::time_point> since_{};
  static inline std::atomic<Clock::duration> total_{};
  static inline std::atomic<bool> under_way_{false};

  static_assert(std::atomic<Clock::time_point>::is_always_lock_free);
};

}  // namespace runnel
