// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// The layout of `tensors` in a job. Throws `RunError` (78) when they cannot be cut into so many shards, or
/// when a shard has more buckets than a bell word can count.
BucketLayout layout_of(const std::vector<BucketLayout::Tensor>& tensors, const Config& config);

}  // namespace runnel
