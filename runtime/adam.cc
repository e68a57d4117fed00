// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/adam.h"

#include <cmath>

#include "runtime/vector_clones.h"

namespace runnel {
namespace {

struct Constants {
  float one_minus_beta1, beta2, one_minus_beta2, eps, added_decay, keep, step_size, sqrt_bias_correction;
};

RUNNEL_VECTOR_CLONES void adam(std::size_t count, Constants c, const float* __restrict gradient,
                               const float* __restrict in, float* __restrict out, float* __restrict mean,
                               float* __restrict square) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.added_decay * in[i];
    const float m = mean[i] + c.one_minus_beta1 * (g - mean[i]);
    const float v = c.beta2 * square[i] + c.one_minus_beta2 * g * g;
    mean[i] = m;
    square[i] = v;
    out[i] = c.keep * in[i] - c.step_size * (m / (std::sqrt(v) / c.sqrt_bias_correction + c.eps));
  }
}

}  // namespace

Adam::Adam(const OptimizerConfig& config)
    : beta1_(config.betas[0]),
      beta2_(config.betas[1]),
      eps_(config.eps),
      weight_decay_(config.weight_decay),
      decoupled_(config.name == "adamw") {}

void Adam::begin_step(double lr, std::int64_t step) {
  const auto t = static_cast<double>(step);
  keep_ = decoupled_ ? static_cast<float>(1.0 - lr * weight_decay_) : 1.0F;
  step_size_ = static_cast<float>(lr / (1.0 - std::pow(beta1_, t)));
  sqrt_bias_correction_ = static_cast<float>(std::sqrt(1.0 - std::pow(beta2_, t)));
}

void Adam::update(const Block& block) const {
  const Constants constants = {.one_minus_beta1 = static_cast<float>(1.0 - beta1_),
                               .beta2 = static_cast<float>(beta2_),
                               .one_minus_beta2 = static_cast<float>(1.0 - beta2_),
                               .eps = static_cast<float>(eps_),
                               .added_decay = decoupled_ ? 0.0F : static_cast<float>(weight_decay_),
                               .keep = keep_,
                               .step_size = step_size_,
                               .sqrt_bias_correction = sqrt_bias_correction_};
  adam(block.count, constants, block.gradient, block.in, block.out, block.state[0], block.state[1]);
}

}  // namespace runnel
