// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/cuda/cuda_device.h"

#include <cuda_runtime.h>

#include "runtime/cuda/cuda_error.h"
#include "runtime/cuda/cuda_stream.h"

namespace runnel {
namespace {

constexpr int kOldestMajor = 8;  // runtime/cuda/CMakeLists.txt: the oldest architecture is sm_80

struct FreeMemory {
  void operator()(std::byte* memory) const { (void)cudaFree(memory); }
};

}  // namespace

CudaDevice::CudaDevice(int index) : index_(index) {
  bind_thread();
  int major = 0;
  check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index_), index_, "asking for its kind");
  if (major < kOldestMajor) {
    throw RunError(ExitStatus::bad_configuration, name() + " is of compute capability " + std::to_string(major) +
                                                      ".x, and runnel's kernels need 8.0; use a newer GPU, or \"cpu\"");
  }
}

void CudaDevice::bind_thread() {
  const cudaError_t code = cudaSetDevice(index_);
  if (code == cudaSuccess) return;
  throw_cuda_error(code, index_, "taking it", "does another process hold it for itself alone? nvidia-smi tells");
}

void CudaDevice::copy_now(std::byte* target, const std::byte* source, std::size_t bytes) {
  bind_thread();
  check_cuda(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDefault, cudaStreamLegacy), index_, "copying");
  check_cuda(cudaStreamSynchronize(cudaStreamLegacy), index_, "copying");
}

std::byte* CudaDevice::allocate(std::size_t bytes) {
  bind_thread();
  void* allocated = nullptr;
  const cudaError_t code = cudaMalloc(&allocated, bytes);
  if (code != cudaSuccess) {
    std::size_t free = 0;
    std::size_t total = 0;
    (void)cudaMemGetInfo(&free, &total);
    throw_cuda_error(code, index_, "allocating " + std::to_string(bytes) + " bytes",
                     std::to_string(free) + " of its " + std::to_string(total) +
                         " bytes are free: let fewer processes share it, or use a larger one");
  }
  std::unique_ptr<std::byte, FreeMemory> memory(static_cast<std::byte*>(allocated));
  check_cuda(cudaMemsetAsync(memory.get(), 0, bytes, cudaStreamLegacy), index_, "zeroing memory");
  check_cuda(cudaStreamSynchronize(cudaStreamLegacy), index_, "zeroing memory");
  return memory.release();
}

void CudaDevice::release(std::byte* memory) noexcept {
  FreeMemory()(memory);
}

// UCX pins the slabs that it allocates in a process with a GPU: what it has pinned, the device reaches already.
std::byte* CudaDevice::pin(std::span<std::byte> host) {
  bind_thread();
  const cudaError_t code =
      cudaHostRegister(host.data(), host.size(), cudaHostRegisterPortable | cudaHostRegisterMapped);
  if (code == cudaErrorHostMemoryAlreadyRegistered) {
    (void)cudaGetLastError();
  } else if (code != cudaSuccess) {
    throw_cuda_error(code, index_, "pinning " + std::to_string(host.size()) + " bytes of host memory",
                     "the host is short of memory that can be pinned, or the driver cannot pin shared memory here: run "
                     "fewer processes, or leave this process on the cpu");
  } else {
    const std::lock_guard lock(mutex_);
    pinned_.insert(host.data());
  }
  void* on_device = nullptr;
  const cudaError_t mapped = cudaHostGetDevicePointer(&on_device, host.data(), 0);
  if (mapped != cudaSuccess) unpin(host);
  check_cuda(mapped, index_, "mapping pinned memory");
  return static_cast<std::byte*>(on_device);
}

void CudaDevice::unpin(std::span<std::byte> host) noexcept {
  const std::lock_guard lock(mutex_);
  if (pinned_.erase(host.data()) > 0) (void)cudaHostUnregister(host.data());
}

std::unique_ptr<DeviceStream> CudaDevice::make_stream(std::size_t marks) {
  bind_thread();
  return std::make_unique<CudaStream>(index_, marks);
}

}  // namespace runnel
