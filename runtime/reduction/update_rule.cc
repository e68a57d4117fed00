// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/update_rule.h"

#include <stdexcept>

#include "runtime/reduction/adadelta.h"
#include "runtime/reduction/adam.h"
#include "runtime/reduction/sgd.h"

namespace runnel {

std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config) {
  if (config.name == "adadelta") return std::make_unique<Adadelta>(config);
  if (config.name == "sgd") return std::make_unique<Sgd>(config);
  if (config.name == "adam" || config.name == "adamw") return std::make_unique<Adam>(config);
  throw std::invalid_argument("no update rule is called '" + config.name + "'");
}

}  // namespace runnel
