// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "runtime/device/device_module.h"

namespace runnel::test {

/// Opens cuda:0 for each test; skips it, and says so, where there is none.
class GpuTest : public testing::Test {
 protected:
  void SetUp() override {
    const CudaFound found = find_cuda();
    if (found.devices == 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: " << found.reason;
    device_ = open_cuda(0);
  }

  std::unique_ptr<Device> device_;
};

}  // namespace runnel::test
