// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/sgd.h"

#include "runtime/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES void descend(std::size_t count, float weight_decay, float lr, const float* __restrict gradient,
                                  const float* __restrict in, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + weight_decay * in[i];
    out[i] = in[i] - lr * g;
  }
}

RUNNEL_VECTOR_CLONES void descend_with_momentum(std::size_t count, float momentum, float weight_decay, float lr,
                                                const float* __restrict gradient, const float* __restrict in,
                                                float* __restrict out, float* __restrict velocity) {
  for (std::size_t i = 0; i < count; ++i) {
    const float g = gradient[i] + weight_decay * in[i];
    const float v = momentum * velocity[i] + g;
    velocity[i] = v;
    out[i] = in[i] - lr * v;
  }
}

}  // namespace

Sgd::Sgd(const OptimizerConfig& config)
    : momentum_(static_cast<float>(config.momentum)), weight_decay_(static_cast<float>(config.weight_decay)) {}

void Sgd::begin_step(double lr, std::int64_t) {
  lr_ = static_cast<float>(lr);
}

void Sgd::update(const Block& block) const {
  if (state_count() == 0) {
    descend(block.count, weight_decay_, lr_, block.gradient, block.in, block.out);
  } else {
    descend_with_momentum(block.count, momentum_, weight_decay_, lr_, block.gradient, block.in, block.out,
                          block.state[0]);
  }
}

}  // namespace runnel
