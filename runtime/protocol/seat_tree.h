// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <vector>

/// The tree in which a step's gradients are added: pairs of seats, pairs of pairs, and so on; what is left over joins
/// on the right. Three seats are added in order, (0 + 1) + 2, and six as ((0 + 1) + (2 + 3)) + (4 + 5). It depends on
/// the number of seats and on nothing else.
namespace runnel {

/// Most seats of a job.
inline constexpr std::size_t kMaxSeats = 1024;

/// Neighbouring seats [first, first + count).
struct SeatRange {
  std::size_t first = 0;
  std::size_t count = 1;

  bool operator==(const SeatRange&) const = default;
};

/// How many of the `count` seats of a subtree, at least 2, are in its left part: the greatest power of two below.
constexpr std::size_t left_seats(std::size_t count) {
  assert(count >= 2);
  return std::bit_floor(count - 1);
}

/// The share of each of `members`: complete subtrees of the tree of `seats`, in its order. A subtree with most seats is
/// split, of several the last, until there are enough: of 4 seats, three members have 0 and 1, 2, and 3. Needs
/// 1 <= `members` <= `seats`.
std::vector<SeatRange> deal_seats(std::size_t seats, std::size_t members);

}  // namespace runnel
