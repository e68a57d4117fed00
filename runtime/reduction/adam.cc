// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/adam.h"

#include <algorithm>
#include <cmath>

#include "runtime/reduction/magnitude_bits.h"
#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES std::int32_t adam(std::size_t count, AdamFormula formula, const float* __restrict gradient,
                                       const float* __restrict in, float* __restrict out, float* __restrict mean,
                                       float* __restrict square) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = formula(gradient[i], in[i], mean[i], square[i]);
    out[i] = x;
    largest = std::max(largest, magnitude_bits(x));
  }
  return largest;
}

// In single precision, as the weight of torch.lerp: that decides between its two forms.
float weight_of_gradient(double beta1) {
  return static_cast<float>(1.0 - beta1);
}

bool interpolates_from_gradient(double beta1) {
  return weight_of_gradient(beta1) >= 0.5F;
}

}  // namespace

Adam::Adam(const OptimizerConfig& config)
    : beta1_(config.betas[0]),
      beta2_(config.betas[1]),
      decoupled_decay_(config.name == RuleKind::adamw ? config.weight_decay : 0.0),
      formula_{.from_gradient = interpolates_from_gradient(beta1_),
               .mean_factor = weight_of_gradient(beta1_) - (interpolates_from_gradient(beta1_) ? 1.0F : 0.0F),
               .beta2 = static_cast<float>(beta2_),
               .one_minus_beta2 = static_cast<float>(1.0 - beta2_),
               .eps = static_cast<float>(config.eps),
               .added_decay = config.name == RuleKind::adamw ? 0.0F : static_cast<float>(config.weight_decay),
               .keep = 1,
               .step_size = 0,
               .sqrt_bias_correction = 1} {}

void Adam::begin_step(double lr, std::int64_t step) {
  const auto t = static_cast<double>(step);
  formula_.keep = static_cast<float>(1.0 - lr * decoupled_decay_);
  formula_.step_size = static_cast<float>(lr / (1.0 - std::pow(beta1_, t)));
  formula_.sqrt_bias_correction = static_cast<float>(std::sqrt(1.0 - std::pow(beta2_, t)));
}

bool Adam::update(const Block& block) const {
  return adam(block.count, formula_, block.gradient, block.in, block.out, block.state[0], block.state[1]) <
         kInfinityBits;
}

}  // namespace runnel
