// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Adadelta: Zeiler, "ADADELTA: An adaptive learning rate method", arXiv:1212.5701, algorithm 1, with the learning rate
/// and weight decay of torch.optim.Adadelta and its order of operations:
///
///   g' = g + weight_decay x
///   s  = rho s + (1 - rho) g'^2
///   d  = sqrt(a + eps) / sqrt(s + eps) g'
///   a  = rho a + (1 - rho) d^2
///   x  = x - lr d
class Adadelta final : public UpdateRule {
 public:
  explicit Adadelta(const OptimizerConfig& config);

  std::size_t state_count() const override { return 2; }
  void begin_step(double lr, std::int64_t step) override;
  UpdateFormula formula() const override { return formula_; }
  bool update(const Block& block) const override;

 private:
  AdadeltaFormula formula_;
};

}  // namespace runnel
