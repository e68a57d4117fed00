// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/plan/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace runnel {
namespace {

TEST(Schedule, ConstantStaysAsItIs) {
  const Schedule schedule(0.1, {}, 100);
  EXPECT_EQ(schedule.lr(0, 0), 0.1);
  EXPECT_EQ(schedule.lr(99, 7), 0.1);
}

TEST(Schedule, StepMultipliesByGammaEveryFewEpochs) {
  const Schedule schedule(1.0, {.name = ScheduleKind::step, .every_epochs = 2, .gamma = 0.7}, 100);
  EXPECT_DOUBLE_EQ(schedule.lr(0, 0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.lr(10, 1), 1.0);
  EXPECT_DOUBLE_EQ(schedule.lr(20, 2), 0.7);
  EXPECT_DOUBLE_EQ(schedule.lr(50, 5), 0.49);
}

TEST(Schedule, CosineFallsToZero) {
  const Schedule schedule(2.0, {.name = ScheduleKind::cosine}, 8);
  EXPECT_DOUBLE_EQ(schedule.lr(0, 0), 2.0);
  EXPECT_DOUBLE_EQ(schedule.lr(2, 0), 1.0 + std::sqrt(0.5));
  EXPECT_DOUBLE_EQ(schedule.lr(4, 0), 1.0);
  EXPECT_GT(schedule.lr(7, 0), 0.0);
  EXPECT_EQ(schedule.lr(8, 0), 0.0);
  EXPECT_EQ(schedule.lr(1000, 0), 0.0);
}

TEST(Schedule, WarmupRisesLinearly) {
  const Schedule schedule(0.8, {.name = ScheduleKind::warmup, .warmup_steps = 4}, 100);
  EXPECT_DOUBLE_EQ(schedule.lr(0, 0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.lr(2, 0), 0.6);
  EXPECT_DOUBLE_EQ(schedule.lr(3, 0), 0.8);
  EXPECT_DOUBLE_EQ(schedule.lr(4, 0), 0.8);
}

TEST(Schedule, CosineBeginsBehindTheWarmup) {
  const Schedule schedule(1.0, {.name = ScheduleKind::cosine, .warmup_steps = 2}, 6);
  EXPECT_DOUBLE_EQ(schedule.lr(0, 0), 0.5);
  EXPECT_DOUBLE_EQ(schedule.lr(2, 0), 1.0);
  EXPECT_DOUBLE_EQ(schedule.lr(4, 0), 0.5);
  EXPECT_EQ(schedule.lr(6, 0), 0.0);
}

TEST(Schedule, RunThatEndsWithinTheWarmupNeverDividesByZero) {
  const Schedule schedule(1.0, {.name = ScheduleKind::cosine, .warmup_steps = 10}, 10);
  EXPECT_DOUBLE_EQ(schedule.lr(9, 0), 1.0);
  EXPECT_EQ(schedule.lr(10, 0), 0.0);
}

}  // namespace
}  // namespace runnel
