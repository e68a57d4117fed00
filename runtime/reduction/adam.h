// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Adam: Kingma & Ba, arXiv:1412.6980, algorithm 1; and AdamW: Loshchilov & Hutter, arXiv:1711.05101, algorithm 2. The
/// order of operations is that of torch.optim.Adam and AdamW, t counts steps from 1:
///
///   Adam:  g' = g + weight_decay x       AdamW:  x = x - lr weight_decay x,  g' = g
///   m = m + (1 - beta1) (g' - m),  or where 1 - beta1 >= 0.5, as torch.lerp:  m = g' - beta1 (g' - m)
///   v = beta2 v + (1 - beta2) g'^2
///   x = x - lr / (1 - beta1^t)  m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
class Adam final : public UpdateRule {
 public:
  /// AdamW when config.name is `adamw`.
  explicit Adam(const OptimizerConfig& config);

  std::size_t state_count() const override { return 2; }
  void begin_step(double lr, std::int64_t step) override;
  UpdateFormula formula() const override { return formula_; }
  bool update(const Block& block) const override;

 private:
  double beta1_;
  double beta2_;
  double decoupled_decay_;  // AdamW's weight decay, 0 with Adam
  AdamFormula formula_;
};

}  // namespace runnel
