// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The device's reducer and the bodies of the kernels, on the CPU. tests/gpu/ has the same on a GPU.
#include "runtime/reduction/device_reducer.h"

#include <gtest/gtest.h>

#include "runtime/reduction/host_reducer.h"
#include "tests/runtime/allocation_count.h"
#include "tests/support/device_reduction.h"
#include "tests/support/host_device.h"

namespace runnel {
namespace {

TEST(DeviceReducer, GivesTheBitsOfTheHostsWhateverTheJobAndTheThreads) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const OptimizerConfig& optimizer : test::all_optimizers()) {
    for (const std::size_t gradients : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 32}) {
      const test::Reduction reduction = {.optimizer = optimizer,
                                         .gradients = gradients,
                                         .seats = random() % (3 * gradients),
                                         .floats = 1 + random() % (3 * kBlockFloats),
                                         .bucket_blocks = 1 + random() % 3};
      const std::size_t threads = 1 + random() % 700;
      test::HostDevice device(threads);
      ASSERT_EQ(test::difference_to_host(device, reduction, random), "")
          << reduction.describe() << ", " << threads << " threads";
      ASSERT_EQ(device.held(), 0);
    }
  }
}

TEST(DeviceReducer, AveragesWithTheBitsOfTheHosts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const OptimizerConfig& optimizer : test::all_optimizers()) {
    for (const std::size_t gradients : {1, 2, 3, 4, 5, 8, 16}) {
      const test::Reduction reduction = {.optimizer = optimizer,
                                         .gradients = gradients,
                                         .seats = random() % (3 * gradients),
                                         .floats = random() % 3 * kBlockFloats,
                                         .averaged = 1 + random() % (2 * kBlockFloats),
                                         .bucket_blocks = 1 + random() % 3};
      test::HostDevice device(1 + random() % 700);
      ASSERT_EQ(test::difference_to_host(device, reduction, random), "") << reduction.describe();
      ASSERT_EQ(device.held(), 0);
    }
  }
}

TEST(DeviceReducer, AddsTheMostGradientsThatAJobCanHave) {
  std::mt19937 random(6);
  test::HostDevice device(100);
  for (const std::size_t gradients : {kMaxGradients - 1, kMaxGradients}) {
    const test::Reduction reduction = {.optimizer = {}, .gradients = gradients, .seats = kMaxSeats, .floats = 77};
    EXPECT_EQ(test::difference_to_host(device, reduction, random), "") << reduction.describe();
  }
}

TEST(DeviceReducer, StepAllocatesNothing) {
  if (!test::kCountsAllocations) GTEST_SKIP() << "SKIPPED, NOT TESTED: a sanitizer stands in for operator new";
  constexpr std::size_t kFloats = kBlockFloats + 5;
  for (const OptimizerConfig& optimizer : test::all_optimizers()) {
    test::HostDevice device(64);
    const auto stream = device.make_stream(1);
    DeviceReducer reducer(device, *stream, {kBlockFloats, 5}, optimizer, SumTree(deal_seats(3, 3)));
    alignas(16) static float floats[3][2 * kBlockFloats];
    const float* const gradients[] = {floats[0], floats[0], floats[0]};
    const std::uint64_t before = test::allocation_count();
    for (int step = 1; step <= 3; ++step) {
      reducer.begin_step(0.1, step, floats[1], floats[2], gradients);
      reducer.reduce({0, kBlockBytes});
      reducer.reduce({kBlockBytes, kFloats * sizeof(float)});
      reducer.finish_step();
    }
    EXPECT_EQ(test::allocation_count(), before) << word_of(optimizer.name);
  }
}

}  // namespace
}  // namespace runnel
