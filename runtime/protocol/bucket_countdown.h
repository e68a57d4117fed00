// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// Which buckets can be handed over, while tensors get their gradients one by one in any order.
///
/// After construction nothing allocates. Thread: one at a time.
class BucketCountdown {
 public:
  /// `layout` outlives this.
  explicit BucketCountdown(const BucketLayout& layout);

  /// No tensor has its gradient.
  void restart();

  /// All of the gradient of tensor `tensor` is in the slot. Once a step.
  void tensor_ready(std::size_t tensor);

  /// The gradients of all tensors are in the slot.
  void all_ready();

  /// How many of the last buckets of shard `shard` are complete.
  std::uint32_t complete_from_back(std::size_t shard) const { return complete_[shard]; }

 private:
  /// Those that a tensor has a part in.
  struct Buckets {
    std::size_t first = 0;
    std::size_t end = 0;
  };

  const BucketLayout& layout_;
  std::vector<Buckets> buckets_;         // by tensor
  std::vector<std::uint32_t> tensors_;   // that have a part in the bucket
  std::vector<std::uint32_t> missing_;   // of these, in this step
  std::vector<std::uint32_t> complete_;  // from the back, by shard
};

}  // namespace runnel
