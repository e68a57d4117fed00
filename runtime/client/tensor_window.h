// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "runtime/client/address_window.h"
#include "runtime/device/device_memory.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "transport/context.h"
#include "transport/slab.h"

namespace runnel {

/// The memory of a trainer's gradients, or parameters: two copies of all tensors, each in one piece although its shards
/// belong to several generators.
///
/// In host memory, a shard whose generator's slab is mapped lies in that slab: the same pages. The others lie in memory
/// of this process, registered once. On a device, all lie in memory of this process, registered once: a device's memory
/// cannot be laid side by side. Thread: the main thread's.
class TensorWindow {
 public:
  static constexpr int kCopies = kSlots;
  static_assert(kSlots == kParameterBuffers);

  /// In host memory, or in that of `device`, where there is one. Throws `TransportError`, and as `Device::allocate`.
  TensorWindow(const BucketLayout& layout, Context& context, Device* device);

  /// Lets `shard` of `copy` be `memory`, a part of the generator's mapped slab. Not on a device. Throws
  /// `TransportError`.
  void map(int copy, const Shard& shard, std::span<std::byte> memory);

  /// After the last `map`: registers what puts and gets need. Throws `TransportError`.
  void register_memory(Context& context);

  /// All tensors of `copy`; on a device, addresses for that.
  std::span<float> floats(int copy) const;

  /// The bytes of `range` of `copy`; in a registered slab, `slab()`.
  std::span<std::byte> bytes(int copy, ByteRange range) const;
  const Slab& slab() const { return on_device_ ? on_device_->slab() : *slab_; }

 private:
  const BucketLayout& layout_;
  std::optional<AddressWindow> on_host_;
  std::optional<Slab> slab_;  // of that
  std::optional<TensorSlab> on_device_;
  std::span<std::byte> bytes_;
};

}  // namespace runnel
