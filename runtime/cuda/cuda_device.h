// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <set>

#include "runtime/device/device.h"

namespace runnel {

/// A GPU, by CUDA's runtime. Each call makes it the calling thread's device, as the threads of LibTorch that call have
/// it anyway.
class CudaDevice final : public Device {
 public:
  /// Throws `RunError` (bad_configuration) where the GPU is older than the kernels are compiled for.
  explicit CudaDevice(int index);

  DeviceId id() const override { return DeviceId::cuda(index_); }
  MemoryKind kind() const override { return MemoryKind::cuda; }
  void bind_thread() override;

  /// Goes behind what the compute stream was given.
  void copy_now(std::byte* target, const std::byte* source, std::size_t bytes) override;

  /// With cudaMalloc, because memory of pools cannot be given to peers.
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) noexcept override;
  std::byte* pin(std::span<std::byte> host) override;
  void unpin(std::span<std::byte> host) noexcept override;
  std::unique_ptr<DeviceStream> make_stream(std::size_t marks) override;

 private:
  int index_;
  std::mutex mutex_;
  std::set<const std::byte*> pinned_;  // by this, and not by somebody else before
};

}  // namespace runnel
