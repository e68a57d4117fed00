// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/test_result.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace runnel {
namespace {

/// With four digits after the point.
std::string fixed(double value) {
  std::array<char, 352> text{};
  return {text.data(), std::to_chars(text.begin(), text.end(), value, std::chars_format::fixed, 4).ptr};
}

}  // namespace

RunReport::Test test_result(const Score& score, const Objective& objective) {
  RunReport::Test result{.loss = score.loss.mean(), .samples = score.samples, .metrics = {}};
  const std::vector<std::string> names = objective.metrics();
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Score::Sum& sum = score.metrics[i];
    result.metrics.push_back({.name = names[i], .value = objective.metric(i, sum), .sum = sum.sum, .count = sum.count});
  }
  return result;
}

std::string test_text(const RunReport::Test& result) {
  std::string line = "test loss " + fixed(result.loss);
  for (const RunReport::Metric& metric : result.metrics) {
    line += ' ' + metric.name + ' ' + fixed(metric.value);
    const bool is_share = metric.name == "accuracy" || metric.name == "top5";
    if (is_share) line += " (" + std::to_string(std::llround(metric.sum)) + '/' + std::to_string(metric.count) + ')';
  }
  return line;
}

}  // namespace runnel
