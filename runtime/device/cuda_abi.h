// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "runtime/device/device_module.h"

namespace runnel {

/// Rises with every change of `CudaModule`, `Device`, `DeviceStream`, `ReducePass` or `CudaFound`, which the module and
/// the program that loads it share as C++ types.
inline constexpr std::uint32_t kCudaModuleAbi = 2;

/// What librunnel_cuda.so exports, under the name of `kCudaModuleSymbol`. Any thread.
struct CudaModule {
  std::uint32_t abi;
  CudaFound (*find)();
  std::unique_ptr<Device> (*open)(int index);  ///< `index` is one of those found
};

inline constexpr const char* kCudaModuleSymbol = "runnel_cuda_module";

}  // namespace runnel
