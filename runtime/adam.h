// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/update_rule.h"

namespace runnel {

/// Adam: Kingma & Ba, arXiv:1412.6980, algorithm 1; and AdamW: Loshchilov & Hutter, arXiv:1711.05101, algorithm 2. The
/// order of operations is that of torch.optim.Adam and AdamW, t counts steps from 1:
///
///   Adam:  g' = g + weight_decay x       AdamW:  x = x - lr weight_decay x,  g' = g
///   m = m + (1 - beta1) (g' - m)
///   v = beta2 v + (1 - beta2) g'^2
///   x = x - lr / (1 - beta1^t)  m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
class Adam final : public UpdateRule {
 public:
  /// AdamW when config.name is "adamw".
  explicit Adam(const OptimizerConfig& config);

  std::size_t state_count() const override { return 2; }
  void begin_step(double lr, std::int64_t step) override;
  void update(const Block& block) const override;

 private:
  double beta1_;
  double beta2_;
  double eps_;
  double weight_decay_;
  bool decoupled_;
  float keep_ = 1;                  // what AdamW's decay leaves of a parameter
  float step_size_ = 0;             // lr / (1 - beta1^t)
  float sqrt_bias_correction_ = 1;  // sqrt(1 - beta2^t)
};

}  // namespace runnel
