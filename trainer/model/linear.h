// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace runnel {

/// `input` [n…, in] times the transpose of `weight` [out, in], plus `bias` [out], if there is one: `at::linear`, with
/// the same bits.
///
/// In the backward pass of a `TrainingStep` the gradients of weight and bias are computed in the places that the step
/// has for them, where they are its trained tensors; and they are complete before the gradient of the input is
/// computed. Everything else is `at::linear` itself.
at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias);

}  // namespace runnel
