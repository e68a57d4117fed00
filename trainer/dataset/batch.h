// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace runnel {

/// Samples as tensors: one for each field of the data set, in the order of `Dataset::fields()`, with the samples in its
/// first dimension. By convention inputs come first and the target last.
struct Batch {
  std::vector<at::Tensor> fields;

  /// For what a data set draws at random while it reads this batch. It follows from run.seed, trainer and epoch.
  std::uint64_t seed = 0;

  std::int64_t size() const { return fields.empty() ? 0 : fields.front().size(0); }
  const at::Tensor& target() const { return fields.back(); }
};

}  // namespace runnel
