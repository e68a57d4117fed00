// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "runtime/device/device.h"
#include "transport/context.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// Zeroed memory of a device. Thread: any.
class DeviceMemory {
 public:
  /// Throws as `Device::allocate`. `device` outlives this.
  DeviceMemory(Device& device, std::size_t bytes) : device_(device), bytes_(device.allocate(bytes), bytes) {}
  ~DeviceMemory() { device_.release(bytes_.data()); }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  /// Addresses for the device, not for loads and stores of the processor.
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  Device& device_;
  std::span<std::byte> bytes_;
};

/// Memory for tensors that peers may read and write: a slab of host memory or, of a process with a device, one of the
/// device's memory, registered with UCX as what it is. Bells and records are never in it. Thread: as `Slab`.
class TensorSlab {
 public:
  /// `device`: null for host memory; in a device's memory, `bytes` is rounded up to a multiple of 2 MiB. Throws as
  /// `Slab::allocate` and `Device::allocate`, and `TransportError` (unsupported) where UCX does not know such memory.
  TensorSlab(Context& context, Device* device, std::size_t bytes)
      : slab_(device == nullptr ? Slab::allocate(context, bytes) : in_device(context, *device, bytes)) {}

  /// In a device's memory: addresses for the device, not for loads and stores of the processor.
  std::span<std::byte> bytes() const { return slab_.bytes(); }
  const Slab& slab() const { return slab_; }

 private:
  // cudaMalloc may take other sizes from a larger block, which then is shared as a whole (CUDA's programming guide,
  // interprocess communication). Of two slabs in one block a peer can open only one: when the driver says so, UCX
  // closes all that it has mapped of that process, under whoever uses it.
  static constexpr std::size_t kShareable = std::size_t{2} << 20;

  Slab in_device(Context& context, Device& device, std::size_t bytes) {
    memory_.emplace(device, (bytes + kShareable - 1) / kShareable * kShareable);
    return Slab::register_memory(context, memory_->bytes(), device.kind(), device);
  }

  std::optional<DeviceMemory> memory_;
  Slab slab_;
};

/// Host memory that a device reaches, as long as this lives. Thread: any.
class PinnedMemory {
 public:
  /// Throws as `Device::pin`. `device` and the memory outlive this.
  PinnedMemory(Device& device, std::span<std::byte> host) : device_(device), host_(host), address_(device.pin(host)) {}
  ~PinnedMemory() { device_.unpin(host_); }
  PinnedMemory(const PinnedMemory&) = delete;
  PinnedMemory& operator=(const PinnedMemory&) = delete;

  /// Where the memory begins for the device.
  std::byte* device_address() const { return address_; }

 private:
  Device& device_;
  std::span<std::byte> host_;
  std::byte* address_;
};

/// A peer's region that is mapped into this process, for the loops and copies of this process's device: pinned where it
/// is host memory. Thread: any.
class DeviceMapping {
 public:
  /// The `bytes` from `offset` on of `region`, which is mapped. Throws as `Device::pin`. `device` and `region` outlive
  /// this.
  DeviceMapping(Device& device, const RemoteRegion& region, std::size_t offset, std::size_t bytes)
      : address_(region.mapped().subspan(offset, bytes).data()) {
    if (region.kind() != MemoryKind::host) return;
    pinned_.emplace(device, region.mapped().subspan(offset, bytes));
    address_ = pinned_->device_address();
  }

  /// Where the bytes begin for the device.
  std::byte* address() const { return address_; }

 private:
  std::optional<PinnedMemory> pinned_;
  std::byte* address_;
};

}  // namespace runnel
