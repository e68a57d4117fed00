// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/device/device.h"

namespace runnel::test {

/// A device whose memory is the host's and whose streams do their work at once, with the bodies of the kernels: what
/// surrounds a device can so be tested where there is none.
class HostDevice final : public Device {
 public:
  /// Its kernels have `threads` threads, one after the other.
  explicit HostDevice(std::size_t threads) : threads_(threads) {}

  DeviceId id() const override { return DeviceId::cuda(0); }
  MemoryKind kind() const override { return MemoryKind::host; }
  void bind_thread() override {}
  void copy_now(std::byte* target, const std::byte* source, std::size_t bytes) override;
  std::byte* allocate(std::size_t bytes) override;
  void release(std::byte* memory) noexcept override;
  std::byte* pin(std::span<std::byte> host) override;
  void unpin(std::span<std::byte> host) noexcept override;
  std::unique_ptr<DeviceStream> make_stream(std::size_t marks) override;

  /// Of memory and pins, those that were not given back.
  int held() const { return held_; }

 private:
  std::size_t threads_;
  int held_ = 0;
};

}  // namespace runnel::test
