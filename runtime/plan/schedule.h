// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "runtime/config/config.h"

namespace runnel {

/// The learning rate of each step.
///
/// With t the step from 0, e its epoch from 0, T the steps of the whole run, W = `warmup_steps`:
///   t < W             lr (t + 1) / W              gradual warm-up: Goyal et al., arXiv:1706.02677, section 2.2
///   constant, warmup  lr
///   step              lr gamma^floor(e / every_epochs)                                 PyTorch's StepLR
///   cosine            lr (1 + cos(pi (t - W) / (T - W))) / 2     Loshchilov & Hutter, arXiv:1608.03983, equation 5
/// Constant after construction; any thread.
class Schedule {
 public:
  /// `total_steps` is the number of steps that the run will make; only cosine uses it.
  Schedule(double lr, const ScheduleConfig& config, std::int64_t total_steps);

  /// The learning rate of step `step`, which lies in epoch `epoch`; both count from 0. Steps after the end of a cosine
  /// have learning rate 0.
  double lr(std::int64_t step, std::int64_t epoch) const;

 private:
  double cosine(std::int64_t step) const;

  double base_lr_;
  ScheduleConfig config_;
  std::int64_t total_steps_;
};

}  // namespace runnel
