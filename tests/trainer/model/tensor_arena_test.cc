// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/tensor_arena.h"

#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "trainer/model/initial_parameters.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

class TensorArenaTest : public testing::Test {
 protected:
  TensorArenaTest() { model_.model().set_training(false); }

  const float* tensor_in(const std::vector<float>& memory, std::size_t i) const {
    return memory.data() + layout_.tensors()[i].bytes.begin / sizeof(float);
  }

  at::Tensor forward() { return model_.model().forward({{images_, labels_}})[0]; }

  TrainedModel model_ = Registry().make_model({});
  BucketLayout layout_{model_.tensors().shapes(), kBlockBytes};
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
  write_initial_parameters(model_.tensors(), layout_, first);
  const at::Tensor own = forward();

  const TensorArena first_arena(layout_, first);
  const TensorArena second_arena(layout_, second);
  model_.tensors().bind(first_arena);
  for (std::size_t i = 0; i < layout_.tensors().size(); ++i) {
    EXPECT_EQ(model_.tensors().trained()[i].tensor.const_data_ptr<float>(), tensor_in(first, i));
  }
  EXPECT_TRUE(forward().equal(own));
  // With all parameters zero, every class is equally likely.
  model_.tensors().bind(second_arena);
  EXPECT_TRUE(forward().allclose(at::full({2, 10}, -2.302585093)));
  model_.tensors().bind(first_arena);
  EXPECT_TRUE(forward().equal(own));
}

TEST_F(TensorArenaTest, BoundMemoryOutlivesTheOldOne) {
  std::vector<float> kept(layout_.float_count());
  write_initial_parameters(model_.tensors(), layout_, kept);
  const TensorArena kept_arena(layout_, kept);
  at::Tensor expected;
  {
    std::vector<float> dropped = kept;
    const TensorArena dropped_arena(layout_, dropped);
    model_.tensors().bind(dropped_arena);
    expected = forward();
    model_.tensors().bind(kept_arena);
  }
  EXPECT_TRUE(forward().equal(expected));
}

}  // namespace
}  // namespace runnel
