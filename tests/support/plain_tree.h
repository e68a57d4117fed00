// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace runnel::test {

inline std::size_t left_of(std::size_t seats) {
  std::size_t left = 1;
  while (2 * left < seats) left *= 2;
  return left;
}

/// The sum of one element over seats, a part each, by the definition of the tree: seat_tree.h.
inline float plain_sum(std::span<const float> parts) {
  if (parts.size() == 1) return parts[0];
  const std::size_t left = left_of(parts.size());
  const float sum = plain_sum(parts.first(left));
  return sum + plain_sum(parts.subspan(left));
}

/// Their mean in the same tree.
inline float plain_mean(std::span<const float> parts) {
  if (parts.size() == 1) return parts[0];
  const std::size_t left = left_of(parts.size());
  const std::size_t right = parts.size() - left;
  const double weighted = static_cast<double>(left) * plain_mean(parts.first(left)) +
                          static_cast<double>(right) * plain_mean(parts.subspan(left));
  return static_cast<float>(weighted / static_cast<double>(parts.size()));
}

}  // namespace runnel::test
