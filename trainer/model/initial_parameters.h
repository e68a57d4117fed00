// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// Writes the initial parameters: the contents of `config.init` where it names a file, else the model's own values.
/// Throws `RunError` as `load_safetensors` does.
void write_initial_parameters(const ModelConfig& config, const TrainedTensors& tensors, const BucketLayout& layout,
                              std::span<float> parameters);

}  // namespace runnel
