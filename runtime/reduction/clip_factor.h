// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <span>

namespace runnel {

/// What a gradient is multiplied by so that its norm is at most `clip_norm`, as torch.nn.utils.clip_grad_norm_ has it.
///
/// `block_squares` are sums of squares of the gradient's blocks, which are added in order. A norm that is not a number
/// makes the factor not a number.
inline float clip_factor(double clip_norm, std::span<const double> block_squares) {
  double squares = 0;
  for (const double block : block_squares) squares += block;
  const double factor = clip_norm / (std::sqrt(squares) + 1e-6);
  return static_cast<float>(factor > 1.0 ? 1.0 : factor);
}

}  // namespace runnel
