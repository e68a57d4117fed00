// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/tensor_arena.h"

#include <ATen/ops/full.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "trainer/model/initial_parameters.h"

namespace runnel {
namespace {

class TensorArenaTest : public testing::Test {
 protected:
  const float* tensor_in(const std::vector<float>& memory, std::size_t i) const {
    return memory.data() + layout_.tensors()[i].bytes.begin / sizeof(float);
  }

  void backward() { at::nll_loss(model_->forward(images_, /*training=*/false), labels_).backward(); }

  std::unique_ptr<Model> model_ = make_model({}, 1);
  BucketLayout layout_{model_->shapes(), kBlockBytes};
  at::Tensor images_ = at::randn({2, 1, 28, 28});
  at::Tensor labels_ = at::randint(10, {2}, at::kLong);
};

TEST_F(TensorArenaTest, RefusesMemoryOfAnotherSize) {
  std::vector<float> memory(layout_.float_count() - 1);
  EXPECT_THROW(TensorArena(layout_, memory), std::invalid_argument);
}

TEST_F(TensorArenaTest, ParametersAreReadInPlace) {
  std::vector<float> first(layout_.float_count());
  std::vector<float> second(layout_.float_count(), 0.0F);
  write_initial_parameters({}, *model_, layout_, first);
  const at::Tensor own = model_->forward(images_, false);

  const TensorArena first_arena(layout_, first);
  const TensorArena second_arena(layout_, second);
  bind_parameters(*model_, first_arena);
  for (std::size_t i = 0; i < layout_.tensors().size(); ++i) {
    EXPECT_EQ(model_->parameters()[i].tensor.const_data_ptr<float>(), tensor_in(first, i));
  }
  EXPECT_TRUE(model_->forward(images_, false).equal(own));
  // With all parameters zero, every class is equally likely.
  bind_parameters(*model_, second_arena);
  EXPECT_TRUE(model_->forward(images_, false).allclose(at::full({2, 10}, -2.302585093)));
  bind_parameters(*model_, first_arena);
  EXPECT_TRUE(model_->forward(images_, false).equal(own));
}

TEST_F(TensorArenaTest, BackwardWritesGradientsInPlace) {
  backward();
  std::vector<at::Tensor> expected;
  for (const Model::Parameter& parameter : model_->parameters()) {
    expected.push_back(parameter.tensor.grad().clone());
  }

  std::vector<float> memory(layout_.float_count(), 1.0F);
  const TensorArena arena(layout_, memory);
  bind_gradients(*model_, arena);
  backward();
  for (std::size_t i = 0; i < layout_.tensors().size(); ++i) {
    const at::Tensor gradient = model_->parameters()[i].tensor.grad();
    EXPECT_EQ(gradient.const_data_ptr<float>(), tensor_in(memory, i)) << layout_.tensors()[i].name;
    EXPECT_TRUE(gradient.equal(expected[i])) << layout_.tensors()[i].name;
  }
}

TEST_F(TensorArenaTest, CollectingCopiesOnlyWhatLiesElsewhere) {
  std::vector<float> memory(layout_.float_count());
  const TensorArena arena(layout_, memory);
  bind_gradients(*model_, arena);
  const auto staged_bytes = [&] {
    const TrainingStep step(*model_, arena, /*observer=*/nullptr);
    backward();
    return step.staged_bytes();
  };
  EXPECT_EQ(staged_bytes(), 0U);

  const std::vector<float> in_place = memory;
  std::fill(memory.begin(), memory.end(), 0.0F);
  const Model::Parameter& elsewhere = model_->parameters()[3];
  elsewhere.tensor.mutable_grad() = at::Tensor();
  EXPECT_EQ(staged_bytes(), elsewhere.tensor.nbytes());
  EXPECT_EQ(memory, in_place);
}

TEST_F(TensorArenaTest, BoundMemoryOutlivesTheOldOne) {
  std::vector<float> kept(layout_.float_count());
  write_initial_parameters({}, *model_, layout_, kept);
  const TensorArena kept_arena(layout_, kept);
  {
    std::vector<float> dropped = kept;
    const TensorArena dropped_arena(layout_, dropped);
    bind_parameters(*model_, dropped_arena);
    bind_gradients(*model_, dropped_arena);
    bind_parameters(*model_, kept_arena);
    std::vector<float> gradients(layout_.float_count());
    bind_gradients(*model_, TensorArena(layout_, gradients));
    backward();
    EXPECT_EQ(dropped, kept);
    EXPECT_TRUE(std::any_of(gradients.begin(), gradients.end(), [](float value) { return value != 0; }));
  }
}

}  // namespace
}  // namespace runnel
