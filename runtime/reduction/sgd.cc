// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/sgd.h"

#include <algorithm>

#include "runtime/reduction/magnitude_bits.h"
#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES std::int32_t descend(std::size_t count, SgdFormula formula, const float* __restrict gradient,
                                          const float* __restrict in, float* __restrict out) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = formula(gradient[i], in[i]);
    out[i] = x;
    largest = std::max(largest, magnitude_bits(x));
  }
  return largest;
}

RUNNEL_VECTOR_CLONES std::int32_t descend_with_momentum(std::size_t count, MomentumFormula formula,
                                                        const float* __restrict gradient, const float* __restrict in,
                                                        float* __restrict out, float* __restrict velocity) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = formula(gradient[i], in[i], velocity[i]);
    out[i] = x;
    largest = std::max(largest, magnitude_bits(x));
  }
  return largest;
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

bool Sgd::update(const Block& block) const {
  if (state_count() == 0) {
    return descend(block.count, without_momentum(), block.gradient, block.in, block.out) < kInfinityBits;
  }
  return descend_with_momentum(block.count, formula_, block.gradient, block.in, block.out, block.state[0]) <
         kInfinityBits;
}

}  // namespace runnel
