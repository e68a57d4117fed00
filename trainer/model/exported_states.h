// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "trainer/archive/exported_program.h"

namespace runnel {

/// The tensor of `stored`, contiguous and in memory of its own on `device`.
at::Tensor load_tensor(const ExportedTensor& stored, c10::Device device);

/// For each state of `program` the earlier one that is the same tensor, or nothing. Throws `RunError`
/// (bad_configuration) with both names where a trained parameter or a buffer shares only a part of its memory with
/// another tensor.
std::vector<std::optional<std::size_t>> find_tied(const ExportedProgram& program);

}  // namespace runnel
