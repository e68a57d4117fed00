// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// The layout of trained tensors in a job. Throws `RunError` (78) when they cannot be cut into so many shards, or
/// when a shard has more buckets than a bell word can count.
BucketLayout layout_of(const TrainedTensors& tensors, const Config& config);

}  // namespace runnel
