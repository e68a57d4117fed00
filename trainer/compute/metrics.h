// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "runtime/protocol/score.h"

/// What tests measure beside the loss. Every function adds to a sum, from which `metric_value` makes the value.
namespace runnel {

/// Scores [m, classes] and their classes, int64 [m].
struct Classified {
  at::Tensor scores;
  at::Tensor classes;
  at::Tensor losses;  ///< [m]
};

/// "accuracy": the share whose highest score is that of its class; "top5": among the five highest; "perplexity": e to
/// the power of the mean loss.
std::vector<std::string> classification_metrics();
void add_metric(const std::string& name, Score::Sum& sum, const Classified& classified);

/// Outputs and targets of the same shape.
struct Differences {
  at::Tensor outputs;
  at::Tensor targets;
};

/// "mae": mean absolute difference; "rmse": root of the mean squared one.
std::vector<std::string> regression_metrics();
void add_metric(const std::string& name, Score::Sum& sum, const Differences& differences);

double metric_value(const std::string& name, const Score::Sum& sum);

}  // namespace runnel
