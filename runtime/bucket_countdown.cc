// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bucket_countdown.h"

namespace runnel {
namespace {

bool overlap(ByteRange a, ByteRange b) {
  return a.begin < b.end && b.begin < a.end;
}

}  // namespace

BucketCountdown::BucketCountdown(const BucketLayout& layout) : layout_(layout), tensors_(layout.bucket_count()) {
  for (std::size_t bucket = 0; bucket < tensors_.size(); ++bucket) {
    for (const TensorPlace& tensor : layout.tensors()) {
      tensors_[bucket] += overlap(tensor.bytes, layout.bucket(bucket)) ? 1 : 0;
    }
  }
  missing_ = tensors_;
}

void BucketCountdown::restart() {
  missing_.assign(tensors_.begin(), tensors_.end());
}

void BucketCountdown::tensor_ready(std::size_t tensor) {
  const ByteRange bytes = layout_.tensors()[tensor].bytes;
  for (std::size_t bucket = 0; bucket < missing_.size(); ++bucket) {
    if (overlap(bytes, layout_.bucket(bucket))) --missing_[bucket];
  }
}

std::uint32_t BucketCountdown::complete_from_back(std::size_t shard) const {
  const Shard& buckets = layout_.shard(shard);
  std::uint32_t complete = 0;
  while (complete < buckets.buckets && missing_[buckets.first_bucket + buckets.buckets - 1 - complete] == 0) ++complete;
  return complete;
}

}  // namespace runnel
