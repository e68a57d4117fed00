// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/sgd.h"

#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES void descend(std::size_t count, SgdFormula formula, const float* __restrict gradient,
                                  const float* __restrict in, float* __restrict out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = formula(gradient[i], in[i]);
}

RUNNEL_VECTOR_CLONES void descend_with_momentum(std::size_t count, MomentumFormula formula,
                                                const float* __restrict gradient, const float* __restrict in,
                                                float* __restrict out, float* __restrict velocity) {
  for (std::size_t i = 0; i < count; ++i) out[i] = formula(gradient[i], in[i], velocity[i]);
}

}  // namespace

Sgd::Sgd(const OptimizerConfig& config)
    : formula_{.momentum = static_cast<float>(config.momentum),
               .weight_decay = static_cast<float>(config.weight_decay),
               .lr = 0} {}

void Sgd::begin_step(double lr, std::int64_t) {
  formula_.lr = static_cast<float>(lr);
}

UpdateFormula Sgd::formula() const {
  if (state_count() == 0) return without_momentum();
  return formula_;
}

void Sgd::update(const Block& block) const {
  if (state_count() == 0) {
    descend(block.count, without_momentum(), block.gradient, block.in, block.out);
  } else {
    descend_with_momentum(block.count, formula_, block.gradient, block.in, block.out, block.state[0]);
  }
}

}  // namespace runnel
