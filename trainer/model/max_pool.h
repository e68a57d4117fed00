// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace runnel {

/// The largest value of each 2x2 square of the planes of `input`: `at::max_pool2d(input, 2)`, with the same bits and
/// gradients, ties and NaN included.
///
/// On a GPU it is that call. On the CPU `input` is float32 [n, channels, rows, columns], contiguous, with an even
/// number of rows and a multiple of 8 columns; throws `c10::Error` otherwise. LibTorch processes such planes value by
/// value and stores indices of 64 bits; here it is four results at a time and 8 bits. Uses LibTorch's threads.
at::Tensor max_pool_2x2(const at::Tensor& input);

}  // namespace runnel
