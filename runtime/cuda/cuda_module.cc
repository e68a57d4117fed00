// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The one symbol that librunnel_cuda.so exports.
#include <cuda_runtime.h>

#include "runtime/cuda/cuda_device.h"
#include "runtime/device/cuda_abi.h"

namespace runnel {
namespace {

std::string reason_of(cudaError_t code) {
  switch (code) {
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
      return "no NVIDIA driver (libcuda.so.1) for CUDA 13 is loaded; install one, 580 or newer, or start the container "
             "with the host's";
    case cudaErrorNoDevice:
      return "the driver shows no GPU to this process; look at nvidia-smi, and at CUDA_VISIBLE_DEVICES";
    default:
      return std::string("CUDA does not start: ") + cudaGetErrorString(code) + " (" + cudaGetErrorName(code) +
             "); look at nvidia-smi and the kernel's log (dmesg)";
  }
}

CudaFound find() {
  CudaFound found;
  const cudaError_t code = cudaGetDeviceCount(&found.devices);
  if (code != cudaSuccess) return {.devices = 0, .reason = reason_of(code)};
  return found;
}

std::unique_ptr<Device> open(int index) {
  return std::make_unique<CudaDevice>(index);
}

}  // namespace
}  // namespace runnel

extern "C" __attribute__((visibility("default"))) const runnel::CudaModule runnel_cuda_module = {
    .abi = runnel::kCudaModuleAbi, .find = runnel::find, .open = runnel::open};
