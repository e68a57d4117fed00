// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cuda_runtime.h>

#include <string>

#include "runtime/base/device_id.h"
#include "runtime/base/run_error.h"

namespace runnel {

inline std::string cuda_name(int device) {
  return DeviceId::cuda(device).to_string();
}

/// Throws what `code`, not success, means for `device`: os_limit where something is short, else internal.
[[noreturn]] inline void throw_cuda_error(cudaError_t code, int device, const std::string& what,
                                          const std::string& remedy) {
  (void)cudaGetLastError();  // or the next launch's check would tell of it again
  const bool memory = code == cudaErrorMemoryAllocation;
  throw RunError(memory ? ExitStatus::os_limit : ExitStatus::internal,
                 cuda_name(device) + ": " + what + " failed: " + cudaGetErrorString(code) + " (" +
                     cudaGetErrorName(code) + "); " + remedy);
}

/// For calls that fail only after an earlier fault. Formats nothing where there is none.
inline void check_cuda(cudaError_t code, int device, const char* what) {
  if (code == cudaSuccess) return;
  throw_cuda_error(code, device, what, "compute-sanitizer and the kernel's log (dmesg, \"Xid\") may tell why");
}

}  // namespace runnel
