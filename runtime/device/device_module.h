// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <string>

#include "runtime/device/device.h"

namespace runnel {

/// What a process has of CUDA.
struct CudaFound {
  int devices = 0;     ///< GPUs that this process sees, cuda:0 and up
  std::string reason;  ///< why there are none, and what to do about it; empty where there are some
};

/// Looks for GPUs. Loads the module librunnel_cuda.so, and with it the driver, when it is first called. Any
/// thread.
CudaFound find_cuda();

/// The GPU cuda:`index`. Throws `RunError`: bad_configuration where there is none, with the remedy; os_limit. Any
/// thread.
std::unique_ptr<Device> open_cuda(int index);

}  // namespace runnel
