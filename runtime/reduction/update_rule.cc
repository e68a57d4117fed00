// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/update_rule.h"

#include "runtime/reduction/adadelta.h"
#include "runtime/reduction/adam.h"
#include "runtime/reduction/sgd.h"

namespace runnel {

std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config) {
  switch (config.name) {
    case RuleKind::adadelta:
      return std::make_unique<Adadelta>(config);
    case RuleKind::sgd:
      return std::make_unique<Sgd>(config);
    case RuleKind::adam:
    case RuleKind::adamw:
      break;
  }
  return std::make_unique<Adam>(config);
}

}  // namespace runnel
