// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/sum_tree.h"

#include <cassert>

namespace runnel {

SumTree::SumTree(const std::vector<SeatRange>& shares) {
  for (const SeatRange& share : shares) {
    seats_of_shares_.push_back(static_cast<std::uint16_t>(share.count));
    seat_count_ += share.count;
  }
  assert(0 < seat_count_ && seat_count_ <= kMaxSeats);
  take(shares, seat_count_);
  assert(joins_.size() == shares.size());
}

/// The first of `shares` that make a subtree of `seats` seats.
void SumTree::take(std::span<const SeatRange> shares, std::size_t seats) {
  if (shares.front().count == seats) {
    joins_.push_back(0);
    return;
  }
  const std::size_t before = joins_.size();
  const std::size_t left = left_seats(seats);
  take(shares, left);
  take(shares.subspan(joins_.size() - before), seats - left);
  ++joins_.back();
}

}  // namespace runnel
