// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <span>

namespace runnel {

/// The factor that limits a gradient's norm to `clip_norm`, as in torch.nn.utils.clip_grad_norm_.
///
/// `block_squares` are sums of squares of the gradient's blocks, which are added in order. If the norm is NaN, so
/// is the factor.
inline float clip_factor(double clip_norm, std::span<const double> block_squares) {
  double squares = 0;
  for (const double block : block_squares) squares += block;
  const double factor = clip_norm / (std::sqrt(squares) + 1e-6);
  return static_cast<float>(factor > 1.0 ? 1.0 : factor);
}

}  // namespace runnel
