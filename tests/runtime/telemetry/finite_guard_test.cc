// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/finite_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/strict_log.h"

namespace runnel {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

RunConfig with(NonfiniteAction action) {
  RunConfig run;
  run.on_nonfinite = action;
  return run;
}

TEST(FiniteGuardTest, StopsByDefaultWithTheNameAndTheStepAsProgressCountsIt) {
  FiniteGuard guard{RunConfig()};
  guard.check_loss("trainer 1", 1e300, 4);
  try {
    guard.check_loss("trainer 1", kNan, 4);
    FAIL() << "went on";
  } catch (const NotFinite& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), testing::StartsWith("the loss of trainer 1 is not a number (NaN) at step 5; lower"));
  }
  EXPECT_THROW(guard.report_parameter("fc1.bias[2]", kInfinity, 0), NotFinite);
}

TEST(FiniteGuardTest, WarnsOfTheFirstOneOnly) {
  test::StrictLog log;
  log.expect("parameter fc1.bias[2] is infinite after step 1; the run continues");
  FiniteGuard guard(with(NonfiniteAction::warn));
  guard.report_parameter("fc1.bias[2]", kInfinity, 0);
  guard.report_parameter("fc1.bias[3]", -kInfinity, 0);
  guard.check_loss("trainer 0", kNan, 1);
}

}  // namespace
}  // namespace runnel
