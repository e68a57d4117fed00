// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/connection_offer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/bootstrap/frame.h"

namespace runnel {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ConnectionOffer, MemoryMayBeLongerThanTheLayoutNeedsButNotShorter) {
  const RegionDescriptor offered{.base = 4096, .length = 8192, .packed_key = {}};
  EXPECT_EQ(&require_length(offered, 8192, "gradient", 3), &offered);
  EXPECT_EQ(&require_length(offered, 5000, "gradient", 3), &offered);
  try {
    require_length(offered, 8193, "gradient", 3);
    FAIL() << "a region was believed that is too short";
  } catch (const FrameError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("rank 3"), HasSubstr("gradient"), HasSubstr("8192"), HasSubstr("8193")));
  }
}

}  // namespace
}  // namespace runnel
