// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/metrics.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <tuple>

namespace runnel {

std::vector<std::string> classification_metrics() {
  return {"accuracy", "top5", "perplexity"};
}

void add_metric(const std::string& name, Score::Sum& sum, const Classified& classified) {
  sum.count += classified.classes.numel();
  if (name == "perplexity") {
    sum.sum += classified.losses.sum(at::kDouble).item<double>();
  } else if (name == "top5") {
    const std::int64_t most = std::min<std::int64_t>(5, classified.scores.size(1));
    const at::Tensor best = std::get<1>(classified.scores.topk(most, 1));
    sum.sum += static_cast<double>(best.eq(classified.classes.unsqueeze(1)).sum().item<std::int64_t>());
  } else {
    const at::Tensor right = classified.scores.argmax(1).eq(classified.classes);
    sum.sum += static_cast<double>(right.sum().item<std::int64_t>());
  }
}

std::vector<std::string> regression_metrics() {
  return {"mae", "rmse"};
}

void add_metric(const std::string& name, Score::Sum& sum, const Differences& differences) {
  const at::Tensor difference = differences.outputs - differences.targets;
  sum.count += difference.numel();
  sum.sum += (name == "mae" ? difference.abs() : difference.square()).sum(at::kDouble).item<double>();
}

double metric_value(const std::string& name, const Score::Sum& sum) {
  if (name == "perplexity") return std::exp(sum.mean());
  return name == "rmse" ? std::sqrt(sum.mean()) : sum.mean();
}

}  // namespace runnel
