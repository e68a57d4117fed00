// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/bucket_countdown.h"

#include <algorithm>

namespace runnel {

BucketCountdown::BucketCountdown(const BucketLayout& layout)
    : layout_(layout), tensors_(layout.bucket_count()), complete_(layout.shard_count()) {
  for (const TensorPlace& tensor : layout.tensors()) {
    Buckets& buckets = buckets_.emplace_back();
    while (layout.bucket(buckets.first).end <= tensor.bytes.begin) ++buckets.first;
    buckets.end = buckets.first;
    while (buckets.end < tensors_.size() && layout.bucket(buckets.end).begin < tensor.bytes.end) {
      ++tensors_[buckets.end++];
    }
  }
  restart();
}

void BucketCountdown::restart() {
  missing_.assign(tensors_.begin(), tensors_.end());
  std::ranges::fill(complete_, 0U);
}

void BucketCountdown::all_ready() {
  for (std::size_t i = 0; i < complete_.size(); ++i) complete_[i] = layout_.shard(i).buckets;
}

void BucketCountdown::tensor_ready(std::size_t tensor) {
  for (std::size_t bucket = buckets_[tensor].first; bucket < buckets_[tensor].end; ++bucket) --missing_[bucket];
  for (std::size_t i = 0; i < complete_.size(); ++i) {
    const Shard& shard = layout_.shard(i);
    const auto next = [&] { return shard.first_bucket + shard.buckets - 1 - complete_[i]; };
    while (complete_[i] < shard.buckets && missing_[next()] == 0) ++complete_[i];
  }
}

}  // namespace runnel
