// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/torch_cuda.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/run_error.h"
#include "runtime/device/device_module.h"

namespace runnel {
namespace {

// Libraries are missing, or there is no GPU: each is a bad configuration with a remedy.
TEST(LoadTorchCuda, SaysWhatIsMissing) {
  if (find_cuda().devices > 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: a machine without a GPU: this one has some";
  try {
    load_torch_cuda(c10::Device("cuda:0"));
    FAIL() << "LibTorch computes on a GPU that is not there";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_THAT(error.what(), testing::StartsWith("LibTorch cannot compute on "));
    EXPECT_THAT(error.what(), testing::HasSubstr("-DLibTorch_ROOT=DIR"));
    EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace runnel
