// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/count_nonzero.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "trainer/model/tensor_arena.h"
#include "trainer/model/training_step.h"

namespace runnel {
namespace {

/// A layer's two tensors, and one more that other operations use.
class Layer final : public Model {
 public:
  std::vector<NamedTensor> parameters() override { return {{"weight", weight}, {"bias", bias}}; }
  void set_training(bool) override {}
  std::vector<at::Tensor> forward(const Batch&) override { return {}; }

  at::Tensor weight = at::randn({5, 9}).requires_grad_();
  at::Tensor bias = at::randn({5}).requires_grad_();
};

/// Records when gradients are reported.
struct Order final : PassObserver {
  void before_use(std::size_t tensor) override { used.push_back(tensor); }
  void gradient_ready(std::size_t tensor) override {
    ready.push_back(tensor);
    EXPECT_FALSE(input.defined() && input.grad().defined());
  }

  at::Tensor input;
  std::vector<std::size_t> used;
  std::vector<std::size_t> ready;
};

using Gradients = std::array<at::Tensor, 3>;  // of input, weight and bias

/// 9 inputs and 5 outputs, with a batch of the size that is the parameter.
class LinearTest : public testing::TestWithParam<std::int64_t> {
 protected:
  /// What autograd makes of `loss_of(linear layer)`, without a step.
  template <class LossOf>
  Gradients expected(const LossOf& loss_of) {
    loss_of([](const auto&... arguments) { return at::linear(arguments...); }).backward();
    return {std::exchange(input_.mutable_grad(), {}), std::exchange(layer_.weight.mutable_grad(), {}),
            std::exchange(layer_.bias.mutable_grad(), {})};
  }

  /// The same with Runnel's layer, in a step.
  template <class LossOf>
  Gradients found(const LossOf& loss_of) {
    TrainingStep step(tensors_, values_.arena, places_.arena, &order_);
    const at::Tensor loss = loss_of([](const auto&... arguments) { return runnel::linear(arguments...); });
    step.end_forward();
    loss.backward();
    step.end_backward();
    staged_ = step.staged_bytes();
    return {std::exchange(input_.mutable_grad(), {}), places_.arena.tensors()[0].clone(),
            places_.arena.tensors()[1].clone()};
  }

  static void expect_equal(const Gradients& found, const Gradients& expected) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(!expected[i].defined() || found[i].equal(expected[i])) << i;
    }
  }

  auto once() {
    return [this](auto layer) { return (layer(input_, layer_.weight, layer_.bias) * upstream_).sum(); };
  }

  at::Tensor input_ = at::randn({GetParam(), 9}).requires_grad_();
  at::Tensor upstream_ = at::randn({GetParam(), 5});
  Layer layer_;
  TrainedTensors tensors_{layer_, c10::kCPU, /*exchanges_buffers=*/false};
  BucketLayout layout_{tensors_.shapes(), kBlockBytes};
  OwnedArena values_{layout_, c10::kCPU};
  OwnedArena places_{layout_, c10::kCPU};
  Order order_;
  std::uint64_t staged_ = 0;

  void SetUp() override {
    const at::NoGradGuard no_grad;
    values_.arena.tensors()[0].copy_(layer_.weight);
    values_.arena.tensors()[1].copy_(layer_.bias);
    places_.floats.fill_(7.0);
  }
};

TEST_P(LinearTest, EqualsLibTorchsBitForBit) {
  EXPECT_TRUE(runnel::linear(input_, layer_.weight, layer_.bias).equal(at::linear(input_, layer_.weight, layer_.bias)));
  const Gradients libtorchs = expected(once());
  expect_equal(found(once()), libtorchs);
  EXPECT_EQ(staged_, 0U);
}

TEST_P(LinearTest, EqualsLibTorchsForRowsOfRows) {
  input_ = at::randn({GetParam(), 3, 9}).requires_grad_();
  upstream_ = at::randn({GetParam(), 3, 5});
  const Gradients libtorchs = expected(once());
  const Gradients made = found(once());
  expect_equal(made, libtorchs);
  EXPECT_EQ(made[0].sizes(), input_.sizes());
}

TEST_P(LinearTest, EqualsLibTorchsForRowsThatDoNotLieSideBySide) {
  input_ = at::randn({3, GetParam(), 9}).transpose(0, 1).requires_grad_();
  upstream_ = at::randn({GetParam(), 3, 5});
  const Gradients libtorchs = expected(once());
  expect_equal(found(once()), libtorchs);
}

TEST_P(LinearTest, ReportsItsGradientsBeforeThatOfTheInputIsMade) {
  order_.input = input_;
  found(once());
  EXPECT_EQ(order_.used, (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(order_.ready.size(), 2U);
}

TEST_P(LinearTest, AnInputNeedsNoGradient) {
  input_ = input_.detach();
  const Gradients libtorchs = expected(once());
  expect_equal(found(once()), libtorchs);
}

TEST_P(LinearTest, AddsUpWhereALayerIsUsedTwice) {
  const auto twice = [this](auto layer) {
    const at::Tensor first = layer(input_, layer_.weight, layer_.bias);
    return (first * layer(input_ * 2, layer_.weight, layer_.bias)).sum();
  };
  const Gradients libtorchs = expected(twice);
  expect_equal(found(twice), libtorchs);
}

TEST_P(LinearTest, AddsUpWhereOtherOperationsUseTheWeight) {
  const auto tied = [this](auto layer) {
    return (layer(input_, layer_.weight, layer_.bias) * upstream_).sum() + (layer_.weight * layer_.weight).sum();
  };
  const Gradients libtorchs = expected(tied);
  expect_equal(found(tied), libtorchs);
}

TEST_P(LinearTest, AddsUpWhereAnEmbeddingHasTheWeight) {
  const at::Tensor tokens = at::arange(GetParam()).remainder(5);
  const auto tied = [this, &tokens](auto layer) {
    const at::Tensor hidden = at::embedding(layer_.weight, tokens) * 3;
    return (layer(hidden, layer_.weight, layer_.bias) * upstream_).sum();
  };
  const Gradients libtorchs = expected(tied);
  expect_equal(found(tied), libtorchs);
  EXPECT_EQ(order_.ready.size(), 2U);
}

TEST_P(LinearTest, ComputesItsGradientsInTheirPlaces) {
  TrainingStep step(tensors_, values_.arena, places_.arena, nullptr);
  const at::Tensor loss = (runnel::linear(input_, layer_.weight, layer_.bias) * upstream_).sum();
  step.end_forward();
  loss.backward();
  EXPECT_FALSE(step.claim(0).defined());
  EXPECT_FALSE(step.claim(1).defined());
  step.end_backward();
  EXPECT_EQ(step.staged_bytes(), 0U);
  EXPECT_TRUE(step.unused().empty());
}

TEST_P(LinearTest, IsLibTorchsOutsideOfAStep) {
  (runnel::linear(input_, layer_.weight, layer_.bias) * upstream_).sum().backward();
  EXPECT_TRUE(layer_.weight.grad().defined());
  EXPECT_EQ(places_.floats.ne(7.0).count_nonzero().item<std::int64_t>(), 0);
}

TEST_P(LinearTest, NeedsNoBias) {
  const auto unbiased = [this](auto layer) {
    return (layer(input_, layer_.weight, std::optional<at::Tensor>()) * upstream_).sum();
  };
  const Gradients libtorchs = expected(unbiased);
  const Gradients made = found(unbiased);
  EXPECT_TRUE(made[0].equal(libtorchs[0]) && made[1].equal(libtorchs[1]));
  EXPECT_EQ(made[2].count_nonzero().item<std::int64_t>(), 0);
}

INSTANTIATE_TEST_SUITE_P(Batch, LinearTest, testing::Values(1, 4));

}  // namespace
}  // namespace runnel
