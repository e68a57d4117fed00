// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/model.h"

namespace runnel {

/// The layout of the model's tensors in a job. Throws `RunError` (78) when they cannot be cut into so many shards, or
/// when a shard has more buckets than a bell word can count.
BucketLayout layout_of(const Model& model, const Config& config);

}  // namespace runnel
