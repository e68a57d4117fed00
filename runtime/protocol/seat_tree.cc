// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/seat_tree.h"

#include <algorithm>

namespace runnel {

std::vector<SeatRange> deal_seats(std::size_t seats, std::size_t members) {
  assert(1 <= members && members <= seats);
  std::vector<SeatRange> shares = {{.first = 0, .count = seats}};
  while (shares.size() < members) {
    const auto largest = std::ranges::max_element(shares, std::less_equal<>(), &SeatRange::count);
    const std::size_t left = left_seats(largest->count);
    const SeatRange right = {.first = largest->first + left, .count = largest->count - left};
    largest->count = left;
    shares.insert(largest + 1, right);
  }
  return shares;
}

}  // namespace runnel
