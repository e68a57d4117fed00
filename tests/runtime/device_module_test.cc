// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/device_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/exit_status.h"

namespace runnel {
namespace {

TEST(DeviceModule, FindsGpusOrSaysWhyThereAreNoneAndWhatToDo) {
  const CudaFound found = find_cuda();
  EXPECT_EQ(found.reason.empty(), found.devices > 0);
  EXPECT_THAT(found.reason, testing::Not(testing::HasSubstr("cannot be loaded")));
  if (found.devices > 0) return;
  EXPECT_THAT(found.reason, testing::ContainsRegex("^[^;]+; (install|look|configure)"));
}

TEST(DeviceModule, RefusesAGpuThatIsNotThere) {
  const int beyond = find_cuda().devices;
  for (const int index : {beyond, -1}) {
    try {
      open_cuda(index);
      FAIL() << "opened cuda:" << index;
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      EXPECT_THAT(error.what(), testing::StartsWith("there is no cuda:" + std::to_string(index) + ": "));
    }
  }
}

}  // namespace
}  // namespace runnel
