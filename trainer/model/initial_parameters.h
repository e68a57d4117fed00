// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// Copies the model's own values of what has a place in `layout` to `parameters`.
void write_initial_parameters(const TrainedTensors& tensors, const BucketLayout& layout, std::span<float> parameters);

}  // namespace runnel
