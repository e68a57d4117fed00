// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace runnel {

/// Whether max_pool_2x2() takes such an input: float32 [n, channels, rows, columns], contiguous, on the CPU, with an
/// even number of rows and a multiple of 8 columns, not 0.
bool can_pool_2x2(const at::Tensor& input);

/// The largest value of each 2x2 square of the planes of `input`: `at::max_pool2d(input, 2)`, with the same bits and
/// gradients, ties and NaN included.
///
/// Throws `c10::Error` for an input that it does not take. LibTorch processes such planes value by value and stores
/// indices of 64 bits; here it is four results at a time and 8 bits. Uses LibTorch's threads.
at::Tensor max_pool_2x2(const at::Tensor& input);

}  // namespace runnel
