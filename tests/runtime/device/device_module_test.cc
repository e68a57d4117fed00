// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/device/device_module.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/run_error.h"
#include "runtime/device/cuda_abi.h"

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

// Its errors are caught by type, although the module has a copy of the type of its own.
TEST(DeviceModule, ThrowsWhatTheProgramCatches) {
  void* const library = dlopen("librunnel_cuda.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) GTEST_SKIP() << "SKIPPED, NOT TESTED: this build has no module for CUDA";
  const auto* const module = static_cast<const CudaModule*>(dlsym(library, kCudaModuleSymbol));
  ASSERT_NE(module, nullptr);
  try {
    module->open(-1);
    FAIL() << "opened cuda:-1";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::internal);
    EXPECT_THAT(error.what(), testing::StartsWith("cuda:-1: taking it failed: "));
  }
}

}  // namespace
}  // namespace runnel
