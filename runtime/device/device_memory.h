// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "runtime/device/device.h"
#include "transport/context.h"
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

/// Memory of a device that peers may read and write: a slab like one in host memory, registered with UCX as what it is.
/// Bells and records are never in it. Thread: as `Slab`.
class DeviceSlab {
 public:
  /// `bytes` is rounded up to a multiple of 2 MiB. Throws as `Device::allocate`, and `TransportError` (unsupported)
  /// where UCX does not know such memory.
  DeviceSlab(Context& context, Device& device, std::size_t bytes)
      : memory_(device, (bytes + kShareable - 1) / kShareable * kShareable),
        slab_(Slab::register_memory(context, memory_.bytes(), device.kind(), device)) {}

  std::span<std::byte> bytes() const { return memory_.bytes(); }
  const Slab& slab() const { return slab_; }

 private:
  // cudaMalloc may take other sizes from a larger block, which then is shared as a whole (CUDA's programming guide,
  // interprocess communication). Of two slabs in one block a peer can open only one: when the driver says so, UCX
  // closes all that it has mapped of that process, under whoever uses it.
  static constexpr std::size_t kShareable = std::size_t{2} << 20;

  DeviceMemory memory_;
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

}  // namespace runnel
