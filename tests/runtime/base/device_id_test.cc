// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/device_id.h"

#include <gtest/gtest.h>

namespace runnel {
namespace {

TEST(DeviceId, IsReadAndPrinted) {
  for (const char* text : {"cpu", "cuda:0", "cuda:999"}) {
    const auto device = DeviceId::from_string(text);
    ASSERT_TRUE(device) << text;
    EXPECT_EQ(device->to_string(), text);
  }
  EXPECT_EQ(DeviceId::from_string("cpu"), DeviceId::cpu());
  EXPECT_EQ(DeviceId::from_string("cuda:007"), DeviceId::cuda(7));
}

TEST(DeviceId, IsNeitherAWishNorAnotherText) {
  for (const char* text : {"auto", "cuda", "", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:1000", "cuda:1 "}) {
    EXPECT_EQ(DeviceId::from_string(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace runnel
