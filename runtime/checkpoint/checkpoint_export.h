// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "runtime/checkpoint/checkpoint.h"

namespace runnel {

/// Writes the model's tensors, without the optimizer's, as one safetensors file with the names of state_dict: what
/// `--save` would have written at that step. Throws `WriteError`.
void export_weights(const Checkpoint& checkpoint, const std::filesystem::path& file);

}  // namespace runnel
