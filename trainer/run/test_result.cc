// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/test_result.h"

#include <cstddef>
#include <string>
#include <vector>

namespace runnel {

RunReport::Test test_result(const Score& score, const Objective& objective) {
  RunReport::Test result{.loss = score.loss.mean(), .samples = score.samples, .metrics = {}};
  const std::vector<std::string> names = objective.metrics();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Score::Sum& sum = score.metrics[i];
    result.metrics.push_back({.name = names[i], .value = objective.metric(i, sum), .sum = sum.sum, .count = sum.count});
  }
  return result;
}

}  // namespace runnel
