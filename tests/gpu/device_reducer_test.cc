// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The kernels on a GPU, against the host's reducer: every bit, but for which "not a number" it is.
#include "runtime/reduction/device_reducer.h"

#include <random>

#include "tests/gpu/gpu_test.h"
#include "tests/support/device_reduction.h"

namespace runnel {
namespace {

using DeviceReducerTest = test::GpuTest;

TEST_F(DeviceReducerTest, GivesTheBitsOfTheHosts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const OptimizerConfig& optimizer : test::all_optimizers()) {
    for (const std::size_t gradients : {1, 2, 3, 4, 5, 8, 16}) {
      for (const std::size_t seats : {gradients, 2 * gradients, 3 * gradients - 1}) {
        const test::Reduction reduction = {.optimizer = optimizer,
                                           .gradients = gradients,
                                           .seats = seats,
                                           .floats = 1 + random() % (40 * kBlockFloats),
                                           .bucket_blocks = 1 + random() % 20};
        ASSERT_EQ(test::difference_to_host(*device_, reduction, random), "") << reduction.describe();
        test::Reduction averaging = reduction;
        averaging.floats = random() % 20 * kBlockFloats;
        averaging.averaged = reduction.floats;
        ASSERT_EQ(test::difference_to_host(*device_, averaging, random), "") << averaging.describe();
      }
    }
  }
}

TEST_F(DeviceReducerTest, GivesTheBitsOfTheHostsForTheMostGradientsAndForOneLargeBucket) {
  std::mt19937 random(6);
  for (const std::size_t gradients : {kMaxGradients - 1, kMaxGradients}) {
    const test::Reduction many = {.optimizer = {}, .gradients = gradients, .seats = kMaxSeats, .floats = 5001};
    EXPECT_EQ(test::difference_to_host(*device_, many, random), "") << many.describe();
  }
  const test::Reduction large = {.optimizer = {}, .gradients = 2, .floats = 5'000'003, .bucket_blocks = 10'000};
  EXPECT_EQ(test::difference_to_host(*device_, large, random), "") << large.describe();
}

}  // namespace
}  // namespace runnel
