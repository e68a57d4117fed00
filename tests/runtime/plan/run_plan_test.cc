// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/plan/run_plan.h"

#include <gtest/gtest.h>

#include <string>

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
  const RunPlan::Size size = {.samples = 1000, .seats = 3, .batch_size = 10, .max_epochs = 5, .max_gradients = 0};
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

TEST(RunPlan, StepsAreCountedAsTheyAreWhateverTheTrainers) {
  RunPlan::Size size = {
      .samples = 1000, .seats = 3, .batch_size = 10, .max_epochs = 5, .max_gradients = 30, .max_steps = 7};
  EXPECT_EQ(RunPlan(size).total_steps(), 7);
  size.max_steps = 11;
  EXPECT_EQ(RunPlan(size).total_steps(), 10) << "the lower limit counts";
  size.max_gradients = 0;
  size.max_steps = 1000;
  EXPECT_EQ(RunPlan(size).total_steps(), 5 * 34);
  Config config;
  config.run.max_steps = 40;
  EXPECT_EQ(RunPlan(config, 60000).total_steps(), 40);
}

TEST(RunPlan, IsThatOfTheSeatsHoweverManyTrainersThereAre) {
  Config config;
  config.trainer.batch_size = 10;
  config.trainer.count = 8;
  config.run.max_gradients = 1000;
  const RunPlan expected(config, 1001);
  EXPECT_EQ(expected.epoch_of(12), 0);  // the longest share has 126 samples
  EXPECT_EQ(expected.epoch_of(13), 1);
  config.trainer.seats = 8;
  for (const std::int64_t trainers : {1, 2, 3, 4, 5, 8}) {
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

}  // namespace
}  // namespace runnel
