// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "runtime/bucket_layout.h"
#include "runtime/slot_protocol.h"
#include "transport/address_window.h"
#include "transport/context.h"
#include "transport/slab.h"

namespace runnel {

/// The memory of a trainer's gradients, or parameters: two copies of all tensors, each in one piece although its shards
/// belong to several generators.
///
/// A shard whose generator's slab is mapped lies in that slab: the same pages. The others lie in memory of this
/// process, registered once. Thread: the main thread's.
class TensorWindow {
 public:
  static constexpr int kCopies = kSlots;
  static_assert(kSlots == kParameterBuffers);

  explicit TensorWindow(const BucketLayout& layout);

  /// Lets `shard` of `copy` be `memory`, a part of the generator's mapped slab. Throws `TransportError`.
  void map(int copy, const Shard& shard, std::span<std::byte> memory);

  /// After the last `map`: registers what puts and gets need. Throws `TransportError`.
  void register_memory(Context& context);

  /// All tensors of `copy`.
  std::span<float> floats(int copy) const;

  /// The bytes of `range` of `copy`; in a registered slab, `slab()`.
  std::span<std::byte> bytes(int copy, ByteRange range) const;
  const Slab& slab() const { return *slab_; }

 private:
  const BucketLayout& layout_;
  AddressWindow window_;
  std::optional<Slab> slab_;
};

}  // namespace runnel
