// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/variable.h>

#include <array>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace runnel {
namespace {

/// Calls a function in place of autograd's own hooks.
class Hook final : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit Hook(std::function<void()> call) : call_(std::move(call)) {}

  void operator()(const at::Tensor&) override { call_(); }

 private:
  std::function<void()> call_;
};

/// A layer of 9 inputs and 5 outputs, with a batch of the size that is the parameter.
class LinearTest : public testing::TestWithParam<std::int64_t> {
 protected:
  static at::Tensor leaf(at::IntArrayRef shape) { return at::randn(shape).requires_grad_(); }

  /// The gradients of input, weight and bias that `layer` leads to.
  template <typename Layer>
  std::array<at::Tensor, 3> gradients(Layer layer) {
    (layer(input_, weight_, bias_) * upstream_).sum().backward();
    return {std::exchange(input_.mutable_grad(), {}), std::exchange(weight_.mutable_grad(), {}),
            std::exchange(bias_.mutable_grad(), {})};
  }

  at::Tensor input_ = leaf({GetParam(), 9});
  at::Tensor weight_ = leaf({5, 9});
  at::Tensor bias_ = leaf({5});
  at::Tensor upstream_ = at::randn({GetParam(), 5});
};

TEST_P(LinearTest, EqualsLibTorchsBitForBit) {
  EXPECT_TRUE(linear(input_, weight_, bias_).equal(at::linear(input_, weight_, bias_)));
  const auto expected = gradients(at::linear);
  const auto found = gradients(linear);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(found[i].equal(expected[i])) << i;
  }
}

TEST_P(LinearTest, WritesOverTheMemoryOfTheGradients) {
  const auto expected = gradients(at::linear);
  const at::Tensor weight_memory = at::full_like(weight_, 7.0).detach();
  const at::Tensor bias_memory = at::full_like(bias_, 7.0).detach();
  weight_.mutable_grad() = weight_memory;
  bias_.mutable_grad() = bias_memory;
  const auto found = gradients(linear);
  EXPECT_TRUE(found[1].is_same(weight_memory) && found[1].equal(expected[1]));
  EXPECT_TRUE(found[2].is_same(bias_memory) && found[2].equal(expected[2]));
}

TEST_P(LinearTest, RunsEachHookOnceWhenBothAreWritten) {
  const auto expected = gradients(at::linear);
  std::vector<char> calls;
  const auto record = [&](char name) {
    calls.push_back(name);
    EXPECT_TRUE(weight_.grad().equal(expected[1]));
    EXPECT_TRUE(bias_.grad().equal(expected[2]));
    EXPECT_FALSE(input_.grad().defined());
  };
  torch::autograd::impl::set_post_acc_grad_hooks(weight_, std::make_unique<Hook>([&] { record('w'); }));
  torch::autograd::impl::set_post_acc_grad_hooks(bias_, std::make_unique<Hook>([&] { record('b'); }));
  gradients(linear);
  EXPECT_EQ(calls, (std::vector<char>{'b', 'w'}));
}

TEST_P(LinearTest, AnInputNeedsNoGradient) {
  const auto expected = gradients(at::linear);
  input_ = input_.detach();
  const auto found = gradients(linear);
  EXPECT_FALSE(found[0].defined());
  EXPECT_TRUE(found[1].equal(expected[1]));
}

INSTANTIATE_TEST_SUITE_P(Batch, LinearTest, testing::Values(1, 4));

}  // namespace
}  // namespace runnel
