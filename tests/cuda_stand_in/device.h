// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <mutex>
#include <set>

#include "tests/support/async_device.h"

namespace runnel::test {

/// cuda:0 as `CudaDevice` has it, of the stand-in for the driver: memory that UCX takes for a GPU's, and streams that
/// are threads and work late.
class StandInDevice final : public AsyncDevice {
 public:
  explicit StandInDevice(std::uint64_t seed);

  DeviceId id() const override { return DeviceId::cuda(0); }
  MemoryKind kind() const override { return MemoryKind::cuda; }
  void bind_thread() override;
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) noexcept override;

  /// On the device it has the address that it has on the host, as with CUDA's unified addresses.
  std::byte* pin(std::span<std::byte> host) override;
  void unpin(std::span<std::byte> host) noexcept override;

 protected:
  /// By the driver's word: its own memory, what is mapped of a peer's, and what is pinned by whomever.
  bool reaches(const void* address) const override;

 private:
  std::mutex mutex_;
  std::set<const std::byte*> pinned_;  // by this, and not by UCX before
};

}  // namespace runnel::test
