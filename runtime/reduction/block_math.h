// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace runnel {

/// What is summed, and used up, while it stays in the first-level cache beside the six to ten streams that pass through
/// it. Whole blocks (16 KiB) cost a tenth more with four trainers.
inline constexpr std::size_t kStripFloats = 512;

/// sum[i] = gradients[0][offset + i] + gradients[1][offset + i] + …, added in that order. At least one gradient.
void sum_gradients(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* sum);

/// The same in a balanced binary tree: the sum of the first half of the gradients plus the sum of the second, each of
/// them in this way. Their number is a power of two. Sums of parts wait in the first-level cache, so that this moves as
/// many bytes through memory as sum_gradients() does.
void sum_gradients_in_tree(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* sum);

/// mean[i]: the same sum in double precision, divided by the number of gradients and then rounded. Up to 2^29 equal
/// values give that value.
void mean_of_gradients(std::span<const float* const> gradients, std::size_t offset, std::size_t count, float* mean);

/// out[i] = factor values[i]; `out` may be `values`.
void scale(const float* values, float factor, std::size_t count, float* out);

/// In how many sums the squares are collected.
inline constexpr std::size_t kSquareLanes = 16;

/// The sum of squares in double precision: lane k collects those of elements k, k + 16, k + 32, … in that order, and
/// the lanes are added in order. So its bits do not depend on the width of the machine's vectors.
double sum_of_squares(const float* values, std::size_t count);

}  // namespace runnel
