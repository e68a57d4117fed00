// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/protocol/seat_tree.h"

namespace runnel {

/// How a generator joins the shares of a step, each of which is the sum of a subtree of seats (seat_tree.h), to the sum
/// of all: shares are taken in order and wait; after some of them, what came last is joined to what waits before it.
/// Constant after construction; any thread.
class SumTree {
 public:
  /// Most sums that wait at the same time: one a level, and the last one.
  static constexpr std::size_t kMaxWaiting = 11;
  static_assert(kMaxSeats == std::size_t{1} << (kMaxWaiting - 1));

  /// `shares` are what `deal_seats` gives.
  explicit SumTree(const std::vector<SeatRange>& shares);

  /// Of a single share with a single seat.
  SumTree() : SumTree({SeatRange()}) {}

  /// Of all shares together.
  std::size_t seats() const { return seat_count_; }

  std::size_t shares() const { return joins_.size(); }

  /// By share, how often the last two that wait are joined once it has come.
  std::span<const std::uint8_t> joins() const { return joins_; }

  /// By share, how many seats it has.
  std::span<const std::uint16_t> seats_of_shares() const { return seats_of_shares_; }

 private:
  void take(std::span<const SeatRange> shares, std::size_t seats);

  std::size_t seat_count_ = 0;
  std::vector<std::uint8_t> joins_;
  std::vector<std::uint16_t> seats_of_shares_;
};

}  // namespace runnel
