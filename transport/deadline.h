// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>

#include "transport/suspended_time.h"

namespace runnel {

/// The moment by which a wait ends, on the steady clock without the time for which this process was suspended. Every
/// wait takes one; there is no infinite deadline.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(Clock::duration time) { return Deadline(now() + time); }

  bool expired() const {
    const auto steady = Clock::now();  // first: a suspension that comes later is then counted or under way
    return !SuspendedTime::under_way() && steady - SuspendedTime::total() >= at_;
  }

  /// The time left, never below zero.
  Clock::duration remaining() const { return std::max(at_ - now(), Clock::duration::zero()); }

  /// The earlier of this deadline and `time` from now.
  Deadline within(Clock::duration time) const { return Deadline(std::min(at_, now() + time)); }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}

  static Clock::time_point now() {
    const auto suspended = SuspendedTime::total();  // first: a suspension that comes later only makes it a later time
    return Clock::now() - suspended;
  }

  Clock::time_point at_;
};

}  // namespace runnel
