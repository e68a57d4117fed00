// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"

/// Where tensors lie in a generator's slabs. Both sides compute the same offsets, in bytes.
namespace runnel {

/// The slab of a generator's slots: those of trainer 0, then those of trainer 1, and so on; a slot holds one shard.
struct GradientSlab {
  static std::size_t slot_offset(const BucketLayout& layout, const Shard& shard, int trainer, int slot) {
    return static_cast<std::size_t>(trainer * kSlots + slot) * layout.padded_bytes(shard);
  }
  static std::size_t bytes(const BucketLayout& layout, const Shard& shard, int trainers) {
    return slot_offset(layout, shard, trainers, 0);
  }
};

/// The slab of a generator's parameter buffers, one after the other; a buffer holds one shard.
struct ParameterSlab {
  static std::size_t buffer_offset(const BucketLayout& layout, const Shard& shard, int buffer) {
    return static_cast<std::size_t>(buffer) * layout.padded_bytes(shard);
  }
  static std::size_t bytes(const BucketLayout& layout, const Shard& shard) {
    return buffer_offset(layout, shard, kParameterBuffers);
  }
};

/// The slab of the optimizer's states, one after the other; a state has a value for each float of the shard that the
/// optimizer makes, and none for those that are averaged.
struct StateSlab {
  static std::size_t state_bytes(const BucketLayout& layout, const Shard& shard) {
    return layout.float_counts(shard).optimized * sizeof(float);
  }
  static std::size_t state_offset(const BucketLayout& layout, const Shard& shard, std::size_t state) {
    return state * ((state_bytes(layout, shard) + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
  }
  static std::size_t bytes(const BucketLayout& layout, const Shard& shard, std::size_t states) {
    return state_offset(layout, shard, states);
  }
};

}  // namespace runnel
