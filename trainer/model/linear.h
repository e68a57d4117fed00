// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

namespace runnel {

/// `input` [n, in] times the transpose of `weight` [out, in], plus `bias` [out]: `at::linear`, with the same bits.
///
/// The backward pass differs: it writes the gradients of weight and bias directly into the memory of `weight.grad()`
/// and `bias.grad()`, overwriting what is there. Autograd would multiply into a temporary tensor and add that. Weight
/// and bias are leaves of autograd and belong to one layer only: a second one would overwrite what the first wrote.
/// Their post-accumulate-grad hooks run when both are written, before the gradient of the input is computed. A gradient
/// that is undefined is allocated.
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace runnel
