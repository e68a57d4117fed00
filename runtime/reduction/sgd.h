// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Stochastic gradient descent with momentum, in the form of torch.optim.SGD (dampening 0, not Nesterov), which differs
/// from Sutskever et al., "On the importance of initialization and momentum in deep learning" (ICML 2013), in that the
/// learning rate is applied after the momentum:
///
///   g' = g + weight_decay x
///   b  = momentum b + g'        (without momentum: b = g', and no state is kept)
///   x  = x - lr b
class Sgd final : public UpdateRule {
 public:
  explicit Sgd(const OptimizerConfig& config);

  std::size_t state_count() const override { return formula_.momentum == 0 ? 0 : 1; }
  void begin_step(double lr, std::int64_t step) override;
  UpdateFormula formula() const override;
  bool update(const Block& block) const override;

 private:
  SgdFormula without_momentum() const { return {.weight_decay = formula_.weight_decay, .lr = formula_.lr}; }

  MomentumFormula formula_;
};

}  // namespace runnel
