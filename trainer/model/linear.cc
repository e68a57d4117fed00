// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/linear.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear_native.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sum.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>
#include <torch/csrc/autograd/variable.h>

#include <cstddef>
#include <memory>
#include <utility>

#include "trainer/model/training_step.h"

namespace runnel {
namespace {

using torch::autograd::Edge;
using torch::autograd::variable_list;

/// The gradient of the input.
class InputBackward final : public torch::autograd::Node {
 public:
  InputBackward(const at::Tensor& input, at::Tensor weight, const at::Tensor& output)
      : Node(torch::autograd::collect_next_edges(input)), weight_(std::move(weight)) {
    add_input_metadata(output);
  }

 private:
  variable_list apply(variable_list&& gradients) override { return {gradients[0].mm(weight_)}; }

  at::Tensor weight_;
};

/// The gradients of weight and bias; hands that of the output on to InputBackward. Two nodes, because autograd takes in
/// a gradient only when its whole node is done.
///
/// The operations, and so the bits, are those of autograd's own backward pass of a linear layer.
class WeightBackward final : public torch::autograd::Node {
 public:
  WeightBackward(TrainingStep& step, const at::Tensor& input, const at::Tensor& weight,
                 const std::optional<at::Tensor>& bias, const at::Tensor& output)
      : step_(step),
        input_(input, /*is_output=*/false),
        weight_(*step.tensors().index_of(weight.unsafeGetTensorImpl())) {
    const auto node = input.requires_grad() ? std::make_shared<InputBackward>(input, weight, output) : nullptr;
    add_next_edge(node ? Edge(node, 0) : Edge());
    add_next_edge(torch::autograd::impl::gradient_edge(weight));
    if (!bias) return;
    bias_ = step.tensors().index_of(bias->unsafeGetTensorImpl());
    add_next_edge(torch::autograd::impl::gradient_edge(*bias));
  }

 private:
  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    const at::Tensor input = input_.unpack();
    at::Tensor weight = step_.claim(weight_);
    variable_list made = {gradient,
                          weight.defined() ? at::mm_out(weight, gradient.t(), input) : gradient.t().mm(input)};
    weight.reset();
    if (!bias_) return made;
    at::Tensor bias = step_.claim(*bias_);
    made.push_back(bias.defined() ? at::sum_out(bias, gradient, /*dim=*/0) : gradient.sum(0));
    return made;
  }

  void release_variables() override { input_.reset_data(); }

  TrainingStep& step_;
  torch::autograd::SavedVariable input_;
  std::size_t weight_;
  std::optional<std::size_t> bias_;
};

bool is_trained_here(const TrainingStep& step, const at::Tensor& tensor) {
  return step.tensors().index_of(tensor.unsafeGetTensorImpl()).has_value();
}

}  // namespace

at::Tensor linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  TrainingStep* const step = TrainingStep::current();
  const bool has_bias = bias && bias->defined();
  if (step == nullptr || !at::GradMode::is_enabled() || input.dim() < 2 || weight.dim() != 2 ||
      !is_trained_here(*step, weight) || (has_bias && !is_trained_here(*step, *bias))) {
    return at::native::linear(input, weight, bias);
  }
  if (input.dim() > 2) {
    return runnel::linear(input.flatten(0, -2), weight, bias).unflatten(0, input.sizes().slice(0, input.dim() - 1));
  }
  at::Tensor output;
  {
    const at::NoGradGuard no_grad;
    output = at::native::linear(input, weight, bias);
  }
  torch::autograd::set_history(
      output, std::make_shared<WeightBackward>(*step, input, weight, has_bias ? bias : std::nullopt, output));
  return output;
}

}  // namespace runnel
