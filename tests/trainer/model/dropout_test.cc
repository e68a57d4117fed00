// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/dropout.h"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

namespace runnel {
namespace {

constexpr std::int64_t kMany = 1 << 20;

TEST(Dropout, DropsTheShareAndScalesTheRest) {
  at::manual_seed(1);
  for (const double share : {0.1, 0.25, 0.5, 0.9}) {
    const at::Tensor dropped = runnel::dropout(at::ones({kMany}), share, /*training=*/true);
    const at::Tensor zeros = dropped.eq(0);
    EXPECT_TRUE(dropped.eq(static_cast<float>(1 / (1 - share))).logical_or(zeros).all().item<bool>());
    // Five standard deviations of a binomial distribution.
    const double tolerance = 5 * std::sqrt(share * (1 - share) / kMany);
    EXPECT_NEAR(zeros.to(at::kDouble).mean().item<double>(), share, tolerance);
    // Neighbours fall independently: both of them, the share squared of the time.
    const at::Tensor both = zeros.narrow(0, 0, kMany - 1).logical_and(zeros.narrow(0, 1, kMany - 1));
    EXPECT_NEAR(both.to(at::kDouble).mean().item<double>(), share * share, 2 * tolerance);
  }
}

TEST(Dropout, FollowsTheSeed) {
  const auto draw = [](std::uint64_t seed) {
    at::manual_seed(seed);
    return runnel::dropout(at::ones({kMany}), 0.5, true);
  };
  EXPECT_TRUE(draw(1).equal(draw(1)));
  EXPECT_FALSE(draw(1).equal(draw(2)));
  const at::Tensor first = draw(1);
  EXPECT_FALSE(first.equal(runnel::dropout(at::ones({kMany}), 0.5, true)));  // a second layer
}

TEST(Dropout, AnOddCountIsTheBeginningOfAnEvenOne) {
  at::manual_seed(1);
  const at::Tensor even = runnel::dropout(at::ones({1002}), 0.5, true);
  at::manual_seed(1);
  const at::Tensor odd = runnel::dropout(at::ones({1001}), 0.5, true);
  EXPECT_TRUE(odd.equal(even.narrow(0, 0, 1001)));
}

TEST(Dropout, GradientsFallWithTheirValues) {
  at::manual_seed(1);
  const at::Tensor values = at::ones({1000}).requires_grad_();
  const at::Tensor dropped = runnel::dropout(values, 0.5, true);
  dropped.sum().backward();
  EXPECT_TRUE(values.grad().equal(dropped));
}

TEST(Dropout, ChangesNothingWithoutAShareOrTraining) {
  const at::Tensor values = at::randn({100});
  EXPECT_TRUE(runnel::dropout(values, 0, true).is_same(values));
  EXPECT_TRUE(runnel::dropout(values, 0.5, false).is_same(values));
}

}  // namespace
}  // namespace runnel
