// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "runtime/launch/launch_place.h"
#include "tests/support/peer_process.h"

int main(int argc, char** argv) {
  runnel::ensure_early_environment(argv);  // ctest sets it; this is for a program that is started by hand
  testing::InitGoogleTest(&argc, argv);
  if (const auto status = runnel::test::run_as_peer()) return *status != 0 || testing::Test::HasFailure() ? 1 : 0;
  return RUN_ALL_TESTS();
}
