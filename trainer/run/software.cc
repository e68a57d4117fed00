// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/software.h"

#include "runnel_version.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"

namespace runnel {

RunReport::Software software_of_this_process() {
  return {.version = kVersion, .commit = kCommit, .ucx = ucx_version(), .torch = torch_version(), .mpi = ""};
}

}  // namespace runnel
