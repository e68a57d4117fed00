// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace runnel {

/// How well a model did on some samples: sums, each with the count of what it is over, so that results add up over
/// batches of any size. Those of trainers are added in trainer order. Plain data, part of an `EvaluationRecord`.
struct Score {
  static constexpr std::size_t kMaxMetrics = 4;

  struct Sum {
    double sum = 0;
    std::int64_t count = 0;  ///< of samples, tokens or pixels

    double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
    bool operator==(const Sum&) const = default;
  };

  std::int64_t samples = 0;
  Sum loss;
  std::array<Sum, kMaxMetrics> metrics;  ///< in the order of the objective's names

  Score& operator+=(const Score& other) {
    samples += other.samples;
    add(loss, other.loss);
    for (std::size_t i = 0; i < kMaxMetrics; ++i) add(metrics[i], other.metrics[i]);
    return *this;
  }
  bool operator==(const Score&) const = default;

 private:
  static void add(Sum& to, const Sum& sum) {
    to.sum += sum.sum;
    to.count += sum.count;
  }
};

static_assert(std::is_trivially_copyable_v<Score>);

}  // namespace runnel
