// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/job_layout.h"

#include <cstddef>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/protocol/slot_protocol.h"

namespace runnel {

BucketLayout layout_of(const std::vector<BucketLayout::Tensor>& tensors, const Config& config) {
  const auto shards = static_cast<std::size_t>(config.generator.count);
  BucketLayout layout(tensors, kBlockBytes);
  if (shards > layout.bucket_count()) {
    throw RunError(ExitStatus::bad_configuration,
                   "key 'generator.count': " + std::to_string(shards) + " generators for tensors of " +
                       std::to_string(layout.bucket_count()) + " blocks of 16 KiB; use fewer generators");
  }
  layout = BucketLayout(tensors, static_cast<std::size_t>(config.transport.bucket_bytes), shards);
  for (std::size_t i = 0; i < shards; ++i) {
    if (layout.shard(i).buckets <= kMaxBuckets) continue;
    throw RunError(ExitStatus::bad_configuration,
                   "key 'transport.bucket_bytes': a generator's part has " + std::to_string(layout.shard(i).buckets) +
                       " buckets, at most " + std::to_string(kMaxBuckets) + " are possible; use larger buckets");
  }
  return layout;
}

}  // namespace runnel
