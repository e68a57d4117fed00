// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/adadelta.h"

#include <cmath>

#include "runtime/vector_clones.h"

namespace runnel {
namespace {

struct Constants {
  float rho, one_minus_rho, eps, weight_decay, lr;
};

RUNNEL_VECTOR_CLONES void adadelta(std::size_t count, Constants c, const float* __restrict gradient,
                                   const float* __restrict in, float* __restrict out, float* __restrict square,
                                   float* __restrict accumulated) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + c.weight_decay * in[i];
    const float s = c.rho * square[i] + c.one_minus_rho * g * g;
    const float delta = std::sqrt(accumulated[i] + c.eps) / std::sqrt(s + c.eps) * g;
    square[i] = s;
    accumulated[i] = c.rho * accumulated[i] + c.one_minus_rho * delta * delta;
    out[i] = in[i] - c.lr * delta;
  }
}

}  // namespace

Adadelta::Adadelta(const OptimizerConfig& config)
    : rho_(static_cast<float>(config.rho)),
      one_minus_rho_(static_cast<float>(1.0 - config.rho)),
      eps_(static_cast<float>(config.eps)),
      weight_decay_(static_cast<float>(config.weight_decay)) {}

void Adadelta::begin_step(double lr, std::int64_t) {
  lr_ = static_cast<float>(lr);
}

void Adadelta::update(const Block& block) const {
  adadelta(block.count, {rho_, one_minus_rho_, eps_, weight_decay_, lr_}, block.gradient, block.in, block.out,
           block.state[0], block.state[1]);
}

}  // namespace runnel
