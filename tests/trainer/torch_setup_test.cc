// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/exit_status.h"

namespace runnel {
namespace {

TEST(SelectDevice, AutoTakesTheCpu) {
  EXPECT_EQ(select_device("auto", "trainer.device"), "cpu");
  EXPECT_EQ(select_device("cpu", "trainer.device"), "cpu");
}

TEST(SelectDevice, CudaIsRefusedWithKeyAndRemedy) {
  for (const char* wanted : {"cuda", "cuda:1"}) {
    try {
      select_device(wanted, "trainer.device[1]");
      FAIL() << wanted << " was accepted";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      EXPECT_THAT(error.what(), testing::HasSubstr("trainer.device[1]"));
      EXPECT_THAT(error.what(), testing::HasSubstr(wanted));
      EXPECT_THAT(error.what(), testing::HasSubstr("\"cpu\""));
    }
  }
}

TEST(TorchVersion, HasThreeNumbers) {
  EXPECT_THAT(torch_version(), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+.*"));
}

}  // namespace
}  // namespace runnel
