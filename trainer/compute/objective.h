// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtime/protocol/score.h"
#include "trainer/dataset/batch.h"

namespace runnel {

/// What a model is trained for: the loss of a batch, and what a test measures. Thread: one at a time.
class Objective {
 public:
  virtual ~Objective() = default;

  /// The loss to minimise: a float32 scalar, the mean over the batch.
  virtual at::Tensor loss(std::span<const at::Tensor> outputs, const Batch& batch) = 0;

  /// Names of what a test measures beside the loss, at most `Score::kMaxMetrics`: "accuracy".
  virtual std::vector<std::string> metrics() const { return {}; }

  /// The value of metric `index` from its sum over the whole test set.
  virtual double metric(std::size_t /*index*/, const Score::Sum& sum) const { return sum.mean(); }

  /// Adds the loss and the metrics of the batch to `score`, but not its samples. Without autograd, on a model that does
  /// not train.
  virtual void add_to(Score& score, std::span<const at::Tensor> outputs, const Batch& batch) = 0;
};

}  // namespace runnel
