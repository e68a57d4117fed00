// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/reduction/sum_tree.h"

/// Random gradients of a job, for tests of what reduces them.
namespace runnel::test {

inline constexpr std::size_t kFloats = 5 * kBlockFloats + 1234;
inline constexpr int kSteps = 3;

using Floats = std::vector<float>;

/// Ordinary gradients with zeros of both signs, denormals and, on request, infinities among them.
inline Floats random_gradient(std::mt19937& random, bool infinities) {
  std::normal_distribution<float> normal(0, 1);
  std::uniform_int_distribution<int> kind(0, 999);
  Floats gradient(kFloats);
  for (float& g : gradient) {
    g = normal(random);
    const int special = kind(random);
    if (special == 0) g = 0.0F;
    if (special == 1) g = -0.0F;
    if (special < 20) g *= std::numeric_limits<float>::denorm_min() * 1000;
    if (infinities && special == 21) g = std::copysign(std::numeric_limits<float>::infinity(), g);
  }
  return gradient;
}

struct Job {
  OptimizerConfig optimizer;
  std::size_t seats;
  std::vector<std::vector<Floats>> gradients;  // of each step, of each trainer
  Floats start;
};

inline Job random_job(std::mt19937& random, const OptimizerConfig& optimizer, bool infinities) {
  const std::size_t trainers = std::uniform_int_distribution<std::size_t>(1, 6)(random);
  Job job = {optimizer, std::max<std::size_t>(trainers, random() % 12), {}, random_gradient(random, false)};
  for (int step = 0; step < kSteps; ++step) {
    std::vector<Floats>& gradients = job.gradients.emplace_back();
    for (std::size_t i = 0; i < trainers; ++i) gradients.push_back(random_gradient(random, infinities));
  }
  return job;
}

/// The tree of `seats` in as many shares as a step of `job` has gradients.
inline SumTree tree_of(const Job& job) {
  return SumTree(deal_seats(job.seats, job.gradients[0].size()));
}

/// That of `trainers` with a seat each.
inline SumTree tree_of(std::size_t trainers) {
  return SumTree(deal_seats(trainers, trainers));
}

inline std::vector<const float*> pointers(const std::vector<Floats>& gradients) {
  std::vector<const float*> all;
  for (const Floats& gradient : gradients) all.push_back(gradient.data());
  return all;
}

}  // namespace runnel::test
