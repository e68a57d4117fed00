// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/run_account.h"

#include <gtest/gtest.h>

namespace runnel {
namespace {

Config config_of_three() {
  Config config;
  config.trainer.count = 3;
  return config;
}

TEST(RunAccountTest, CountsStepsAndKeepsTheirLosses) {
  RunAccount account(config_of_three(), {.version = "1", .commit = "c", .ucx = "u", .torch = "t", .mpi = "m"});
  account.step({.step = 0, .epoch = 0, .loss = 2, .samples = 30, .seconds = 0.5});
  account.step({.step = 1, .epoch = 1, .loss = 1, .samples = 10, .seconds = 1.5});
  const RunReport& report = account.report();
  EXPECT_EQ(report.software.torch, "t");
  EXPECT_EQ(report.config.trainer.count, 3);
  EXPECT_EQ(report.steps, 2);
  EXPECT_EQ(report.gradients, 6);
  EXPECT_EQ(report.epochs, 2);
  EXPECT_EQ(report.seconds.train, 2);
  EXPECT_EQ(report.loss, (std::vector<std::pair<std::int64_t, double>>{{0, 2}, {1, 1}}));
}

TEST(RunAccountTest, FinishesWithQuantilesAndRates) {
  RunAccount account(config_of_three(), {});
  account.step({.step = 0, .epoch = 0, .loss = 2, .samples = 30, .seconds = 0.5, .data_ns = 3'000'000});
  account.step({.step = 1, .epoch = 0, .loss = 1, .samples = 10, .seconds = 1.5, .data_ns = 500'000});
  const std::vector<double> exchange = {4, 2};
  account.finish({.exchange_ms = exchange, .exposed_ms = {}, .staged_bytes = 7}, 9);
  const RunReport& report = account.report();
  EXPECT_EQ(report.step_ms.min, 500);
  EXPECT_EQ(report.step_ms.p99, 1500);
  EXPECT_EQ(report.data_ms.min, 0.5);
  EXPECT_EQ(report.data_ms.p99, 3);
  EXPECT_EQ(report.exchange_ms.min, 2);
  EXPECT_EQ(report.exposed_ms.p50, 0);
  EXPECT_EQ(report.bytes.staged, 7U);
  EXPECT_EQ(report.samples_per_second, 20);
  EXPECT_EQ(report.seconds.total, 9);
}

TEST(RunAccountTest, KeepsTheLastTestAndAddsUpTheirTimes) {
  RunAccount account(config_of_three(), {});
  account.test({.loss = 1, .samples = 10, .metrics = {}}, 0.25);
  account.test({.loss = 0.5, .samples = 10, .metrics = {{.name = "accuracy", .value = 0.9, .sum = 9, .count = 10}}},
               0.25);
  EXPECT_EQ(account.report().test.loss, 0.5);
  ASSERT_EQ(account.report().test.metrics.size(), 1U);
  EXPECT_EQ(account.report().test.metrics[0].sum, 9);
  EXPECT_EQ(account.report().seconds.test, 0.5);
}

TEST(RunAccountTest, OfARunWithoutAStepHasNoRate) {
  RunAccount account(config_of_three(), {});
  account.finish({}, 1);
  EXPECT_EQ(account.report().samples_per_second, 0);
  EXPECT_EQ(account.report().epochs, 0);
}

}  // namespace
}  // namespace runnel
