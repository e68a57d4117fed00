// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/quantiles.h"

#include <gtest/gtest.h>

#include <vector>

namespace runnel {
namespace {

TEST(Quantiles, AreOfTheNearestRank) {
  EXPECT_EQ(quantiles({}).p50, 0);
  const Quantiles one = quantiles({7});
  EXPECT_EQ(one.min, 7);
  EXPECT_EQ(one.p50, 7);
  EXPECT_EQ(one.p99, 7);
  std::vector<double> samples;
  for (int i = 200; i > 0; --i) samples.push_back(i);
  const Quantiles many = quantiles(samples);
  EXPECT_EQ(many.min, 1);
  EXPECT_EQ(many.p50, 100);
  EXPECT_EQ(many.p99, 198);
}

}  // namespace
}  // namespace runnel
