// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/adadelta.h"

#include <algorithm>

#include "runtime/reduction/magnitude_bits.h"
#include "runtime/reduction/vector_clones.h"

namespace runnel {
namespace {

RUNNEL_VECTOR_CLONES std::int32_t adadelta(std::size_t count, AdadeltaFormula formula, const float* __restrict gradient,
                                           const float* __restrict in, float* __restrict out, float* __restrict square,
                                           float* __restrict accumulated) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = formula(gradient[i], in[i], square[i], accumulated[i]);
    out[i] = x;
    largest = std::max(largest, magnitude_bits(x));
  }
  return largest;
}

}  // namespace

Adadelta::Adadelta(const OptimizerConfig& config)
    : formula_{.rho = static_cast<float>(config.rho),
               .one_minus_rho = static_cast<float>(1.0 - config.rho),
               .eps = static_cast<float>(config.eps),
               .weight_decay = static_cast<float>(config.weight_decay),
               .lr = 0} {}

void Adadelta::begin_step(double lr, std::int64_t) {
  formula_.lr = static_cast<float>(lr);
}

bool Adadelta::update(const Block& block) const {
  return adadelta(block.count, formula_, block.gradient, block.in, block.out, block.state[0], block.state[1]) <
         kInfinityBits;
}

}  // namespace runnel
