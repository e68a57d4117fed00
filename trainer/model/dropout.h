// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace runnel {

/// Whether dropout() takes these values: float32, contiguous, on the CPU; `share` below 1.
bool can_drop(const at::Tensor& values, double share);

/// `values` with a share of them, drawn at random, set to zero and the others divided by `1 - share`; float32,
/// contiguous, on the CPU. The values themselves when `share` is 0 or when this is not `training`.
///
/// It is `at::dropout` with other random numbers: whether value i is dropped depends only on i and on one draw from
/// LibTorch's default generator. The share is exact to 2^-32.
at::Tensor dropout(const at::Tensor& values, double share, bool training);

}  // namespace runnel
