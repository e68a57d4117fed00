// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>

namespace runnel {

/// The moment by which a wait ends, on the steady clock. Every wait takes one; there is no infinite deadline.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  static Deadline after(Clock::duration time) { return Deadline(Clock::now() + time); }

  bool expired() const { return Clock::now() >= at_; }

  /// The time left, never below zero.
  Clock::duration remaining() const { return std::max(at_ - Clock::now(), Clock::duration::zero()); }

  /// The earlier of this deadline and `time` from now.
  Deadline within(Clock::duration time) const { return Deadline(std::min(at_, Clock::now() + time)); }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}

  Clock::time_point at_;
};

}  // namespace runnel
