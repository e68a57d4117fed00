// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "runtime/reduction/sum_tree.h"

namespace runnel {

/// What is summed, and used up, while it stays in the first-level cache beside the six to ten streams that pass through
/// it. Whole blocks (16 KiB) cost a tenth more with four trainers.
inline constexpr std::size_t kStripFloats = 512;

/// sum[i]: the sum of all gradients[k][offset + i] in the order of `tree`; a gradient a share. Sums of parts wait in
/// the first-level cache, so that each gradient is read once and nothing else goes through memory.
void sum_gradients(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset, std::size_t count,
                   float* sum);

/// mean[i]: the same where each is the mean over the seats of its share, joined by `mean_of_two` (update_formulas.h).
void mean_of_gradients(const SumTree& tree, std::span<const float* const> gradients, std::size_t offset,
                       std::size_t count, float* mean);

/// out[i] = factor values[i]; `out` may be `values`.
void scale(const float* values, float factor, std::size_t count, float* out);

/// In how many sums the squares are collected.
inline constexpr std::size_t kSquareLanes = 16;

/// The sum of squares in double precision: lane k collects those of elements k, k + 16, k + 32, … in that order, and
/// the lanes are added in order. So its bits do not depend on the width of the machine's vectors.
double sum_of_squares(const float* values, std::size_t count);

}  // namespace runnel
