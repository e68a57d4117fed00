// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/plan/run_plan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "runtime/base/random.h"
#include "runtime/plan/sample_range.h"
#include "trainer/dataset/sampler.h"

namespace runnel {
namespace {

TEST(RunPlan, ReferenceWorkflow) {
  const RunPlan plan(Config(), 60000);
  EXPECT_EQ(plan.total_steps(), 50);
  EXPECT_EQ(plan.epochs(), 2);
  EXPECT_EQ(plan.epoch_of(29), 0);
  EXPECT_EQ(plan.epoch_of(30), 1);
  EXPECT_EQ(plan.step_in_epoch(31), 1);
  EXPECT_TRUE(plan.test_after(29));
  EXPECT_FALSE(plan.test_after(30));
  EXPECT_TRUE(plan.test_after(49));
}

TEST(RunPlan, GradientsAreCountedOverAllTrainers) {
  const RunPlan::Size size = {.samples = 1000, .trainers = 3, .batch_size = 10, .max_epochs = 5, .max_gradients = 0};
  const auto steps = [&](std::int64_t max_gradients) {
    RunPlan::Size limited = size;
    limited.max_gradients = max_gradients;
    return RunPlan(limited).total_steps();
  };
  EXPECT_EQ(steps(0), 5 * 34);  // the longest share has 334 samples
  EXPECT_EQ(steps(1), 1);
  EXPECT_EQ(steps(5), 1);
  EXPECT_EQ(steps(6), 2);
  EXPECT_EQ(steps(100'000), 5 * 34);
}

TEST(RunPlan, IsThatOfTheVirtualTrainersHoweverManyProcessesTheyAreIn) {
  Config config;
  config.trainer.batch_size = 10;
  config.trainer.count = 8;
  config.run.max_gradients = 1000;
  const RunPlan expected(config, 1001);
  EXPECT_EQ(expected.epoch_of(12), 0);  // the longest share has 126 samples
  EXPECT_EQ(expected.epoch_of(13), 1);
  config.trainer.virtual_count = 8;
  for (const std::int64_t trainers : {1, 2, 4, 8}) {
    config.trainer.count = trainers;
    const RunPlan plan(config, 1001);
    EXPECT_EQ(plan.epoch_of(12), 0);
    EXPECT_EQ(plan.epoch_of(13), 1);
    EXPECT_EQ(plan.total_steps(), expected.total_steps());
  }
}

TEST(RunPlan, RefusesMoreStepsThanABellCanCount) {
  Config config;
  config.run.max_gradients = 0;
  config.trainer.count = 1;
  config.trainer.batch_size = 1;
  config.run.max_epochs = (std::int64_t{1} << 31) - 1;
  EXPECT_EQ(RunPlan(config, 31).total_steps(), 31 * config.run.max_epochs);
  try {
    RunPlan(config, 33);
    FAIL() << "was accepted";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_NE(std::string(error.what()).find("'run.max_epochs'"), std::string::npos) << error.what();
  }
}

TEST(RunPlan, LimitedToAFewStepsTestsAfterTheLast) {
  const RunPlan plan = RunPlan({.samples = 100, .batch_size = 10, .max_epochs = 3}).limited_to(1);
  EXPECT_EQ(plan.total_steps(), 1);
  EXPECT_EQ(plan.epochs(), 1);
  EXPECT_TRUE(plan.test_after(0));
}

TEST(RunPlan, AnEpochIsJustLongEnoughForEveryShare) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t samples = 1 + random.below(3000);
    const std::uint32_t trainers = 1 + random.below(9);
    const std::uint32_t batch_size = 1 + random.below(400);
    const RunPlan plan({.samples = samples, .trainers = trainers, .batch_size = batch_size, .max_epochs = 1});
    std::size_t visited = 0;
    std::size_t in_last_step = 0;
    for (std::uint32_t trainer = 0; trainer < trainers; ++trainer) {
      const auto share = static_cast<std::uint32_t>(contiguous_share(samples, trainer, trainers).count);
      Sampler sampler({.samples = share, .batch_size = batch_size, .seed = seed, .trainer = trainer});
      for (std::int64_t step = 0; step < plan.total_steps(); ++step) {
        visited += sampler.batch(0, step).size();
      }
      in_last_step += sampler.batch(0, plan.total_steps() - 1).size();
    }
    ASSERT_EQ(visited, samples);
    ASSERT_GT(in_last_step, 0U);
  }
}

}  // namespace
}  // namespace runnel
