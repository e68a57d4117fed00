// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "transport/slab.h"

namespace runnel {

/// A line in a process's slab on which its thread sleeps, and through which peers that have the slab mapped wake it: a
/// counter that each wake raises, and a flag that says whether a wake must call the kernel.
///
/// A view; the line must start zeroed. One thread sleeps; any thread of any process that has the line mapped wakes.
class ParkWord {
 public:
  /// The line at `offset` of `memory`. Throws `TransportError`: out_of_range, misaligned (not on a 64-byte line).
  ParkWord(std::span<std::byte> memory, std::size_t offset);

  /// Announces that the owner is about to sleep and returns the ticket for `sleep`. Whatever the owner waits for must
  /// be checked once more between the two: a wake before this call went unheard.
  std::uint32_t announce();

  /// Sleeps until a wake after `ticket`, or `time` from now. May return early.
  void sleep(std::uint32_t ticket, std::chrono::nanoseconds time);

  /// Ends what `announce` began.
  void retract();

  /// Wakes the owner if it sleeps; a few nanoseconds when it does not. Async-signal-safe. Everything stored before is
  /// visible to the owner when it wakes.
  void wake();

 private:
  std::uint32_t* sequence_;
  std::uint32_t* parked_;
};

}  // namespace runnel
