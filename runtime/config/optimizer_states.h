// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string_view>

#include "runtime/config/config.h"

namespace runnel {

/// What the optimizer keeps besides each parameter, in the order of the reducer's arrays, by the names that torch.optim
/// has for them: "exp_avg", "exp_avg_sq".
std::span<const std::string_view> optimizer_states(const OptimizerConfig& config);

}  // namespace runnel
