// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "tests/processes/job.h"

namespace runnel::test {

/// An Open MPI 5 that `cmake/install-deps.sh --tests` installs beside the system's. Its library has the same binary
/// interface, so that the program needs no other build.
struct OpenMpi5 {
  static constexpr const char* kSkipped =
      "SKIPPED, NOT TESTED: no Open MPI 5: cmake/install-deps.sh --tests installs it";

  static bool is_installed();
  static void use_in(Command& command);
};

}  // namespace runnel::test
