// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/ops/linear.h>
#include <torch/nn/modules/linear.h>

namespace runnel {

/// `torch::nn::Linear`, computed by `at::linear` as in Python, which Runnel's kernel answers (kernel_choice.h).
///
/// LibTorch's own C++ layer calls `at::addmm`: it works in a model, but the gradient of its weight is then copied into
/// its place instead of being computed there.
class LinearImpl final : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;

  at::Tensor forward(const at::Tensor& input) { return at::linear(input, weight, bias); }
};
TORCH_MODULE(Linear);

}  // namespace runnel
