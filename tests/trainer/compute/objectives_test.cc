// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/objectives.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

TEST(Regression, TakesAColumnForOneOutput) {
  const OptionTable none;
  const auto mse = make_mse(Options(none, "objective.options"));
  const at::Tensor output = at::tensor({1.0F, 2.0F, 5.0F}).view({3, 1});
  const Batch batch{{at::zeros({3}), at::tensor({1.0F, 1.0F, 1.0F})}};
  EXPECT_FLOAT_EQ(mse->loss(std::vector{output}, batch).item<float>(), 17.0F / 3);
  Score score;
  mse->add_to(score, std::vector{output}, batch);
  EXPECT_EQ(score.loss.count, 3);
}

TEST(Regression, RefusesShapesThatWouldBeBroadcast) {
  const OptionTable none;
  const auto mse = make_mse(Options(none, "objective.options"));
  const Batch batch{{at::zeros({3}), at::zeros({3})}};
  for (const at::Tensor& output : {at::zeros({3, 3}), at::zeros({1, 3}), at::zeros({3, 1, 1})}) {
    EXPECT_THROW(mse->loss(std::vector{output}, batch), RunError) << output.sizes();
  }
}

}  // namespace
}  // namespace runnel
