// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/plan/schedule.h"

#include <cmath>
#include <numbers>

namespace runnel {

Schedule::Schedule(double lr, const ScheduleConfig& config, std::int64_t total_steps)
    : base_lr_(lr), config_(config), total_steps_(total_steps) {}

double Schedule::lr(std::int64_t step, std::int64_t epoch) const {
  if (step < config_.warmup_steps) {
    return base_lr_ * static_cast<double>(step + 1) / static_cast<double>(config_.warmup_steps);
  }
  switch (config_.name) {
    case ScheduleKind::constant:
    case ScheduleKind::warmup:
      break;
    case ScheduleKind::step:
      return base_lr_ * std::pow(config_.gamma, static_cast<double>(epoch / config_.every_epochs));
    case ScheduleKind::cosine:
      return cosine(step);
  }
  return base_lr_;
}

double Schedule::cosine(std::int64_t step) const {
  if (step >= total_steps_) return 0.0;
  const auto done = static_cast<double>(step - config_.warmup_steps);
  const auto all = static_cast<double>(total_steps_ - config_.warmup_steps);
  return base_lr_ * (1.0 + std::cos(std::numbers::pi * done / all)) / 2.0;
}

}  // namespace runnel
