// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/optimizer_states.h"

#include <array>

namespace runnel {
namespace {

constexpr std::array<std::string_view, 2> kAdadelta = {"square_avg", "acc_delta"};
constexpr std::array<std::string_view, 2> kAdam = {"exp_avg", "exp_avg_sq"};
constexpr std::array<std::string_view, 1> kMomentum = {"momentum_buffer"};

}  // namespace

std::span<const std::string_view> optimizer_states(const OptimizerConfig& config) {
  switch (config.name) {
    case RuleKind::adadelta:
      return kAdadelta;
    case RuleKind::sgd:
      // In the precision in which it is multiplied.
      if (static_cast<float>(config.momentum) == 0.0F) return {};
      return kMomentum;
    case RuleKind::adam:
    case RuleKind::adamw:
      break;
  }
  return kAdam;
}

}  // namespace runnel
