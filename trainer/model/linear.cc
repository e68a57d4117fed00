// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <utility>

namespace runnel {
namespace {

using torch::autograd::variable_list;

at::Tensor& gradient_memory(const at::Tensor& parameter) {
  at::Tensor& gradient = parameter.mutable_grad();
  if (!gradient.defined()) gradient = at::empty_like(parameter);
  return gradient;
}

void tell_hook(const at::Tensor& parameter) {
  const auto& hook = torch::autograd::impl::post_acc_grad_hooks(parameter);
  if (hook) (*hook)(parameter);
}

/// The layer in autograd's graph. It has an edge to its input only, because it writes its parameters' gradients itself.
class LinearBackward final : public torch::autograd::Node {
 public:
  LinearBackward(const at::Tensor& input, at::Tensor weight, at::Tensor bias)
      : Node(torch::autograd::collect_next_edges(input)),
        input_(input, /*is_output=*/false),
        weight_(std::move(weight)),
        bias_(std::move(bias)) {}

 private:
  // The operations, and so the bits, are those of autograd's own backward pass of a linear layer.
  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    at::mm_out(gradient_memory(weight_), gradient.t(), input_.unpack());
    at::sum_out(gradient_memory(bias_), gradient, /*dim=*/0);
    tell_hook(bias_);
    tell_hook(weight_);
    return {task_should_compute_output(0) ? gradient.mm(weight_) : at::Tensor()};
  }

  void release_variables() override { input_.reset_data(); }

  torch::autograd::SavedVariable input_;
  at::Tensor weight_;
  at::Tensor bias_;
};

}  // namespace

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  at::Tensor output;
  {
    const at::NoGradGuard no_grad;
    output = at::linear(input, weight, bias);
  }
  if (at::GradMode::is_enabled()) {
    torch::autograd::set_history(output, std::make_shared<LinearBackward>(input, weight, bias));
  }
  return output;
}

}  // namespace runnel
