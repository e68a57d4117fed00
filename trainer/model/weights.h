// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <span>

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/trained_tensors.h"

/// A model's tensors as files in the safetensors format, under the names of PyTorch's state_dict.
namespace runnel {

/// Gives the model the values of model.init, where that names a file: of all parameters and buffers, also of those that
/// are not trained. Before the first pass, in every process that makes passes or sums gradients.
///
/// A tied tensor is read by any of its names. With model.buffers = "local" buffers may be missing, and keep their
/// values. Throws `RunError`: as `SafetensorsFile`, bad_data with the name for a tensor that is missing, additional, or
/// of another type or shape, for two names of one tensor with different values, and for NaN, or infinity in what is
/// trained; bad_configuration for a model with tensors that such files cannot hold, also where only run.save is set.
void load_weights(const Config& config, const TrainedTensors& tensors);

/// Writes all parameters and buffers, under each of their names: those that have a place in `layout` from `parameters`,
/// the others as the model has them. Throws `WriteError`.
void save_weights(const std::filesystem::path& file, const TrainedTensors& tensors, const BucketLayout& layout,
                  std::span<const float> parameters);

}  // namespace runnel
