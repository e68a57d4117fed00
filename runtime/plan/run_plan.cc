// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/plan/run_plan.h"

#include <algorithm>
#include <string>

#include "runtime/protocol/slot_protocol.h"

namespace runnel {
namespace {

/// A bell word holds every version below the one that ends the run.
constexpr auto kMaxSteps = static_cast<std::int64_t>(kEndOfRun.number) - 1;

}  // namespace

RunPlan::RunPlan(const Size& size) {
  const std::int64_t shortest_part = size.samples / size.seats;
  const std::int64_t longest_part = (size.samples + size.seats - 1) / size.seats;
  steps_per_epoch_ =
      size.drop_last ? shortest_part / size.batch_size : (longest_part + size.batch_size - 1) / size.batch_size;
  total_steps_ = size.max_epochs * steps_per_epoch_;
  if (size.max_gradients > 0) {
    total_steps_ = std::min(total_steps_, std::max<std::int64_t>(1, size.max_gradients / size.seats));
  }
  if (size.max_steps > 0) total_steps_ = std::min(total_steps_, size.max_steps);
}

RunPlan::RunPlan(const Config& config, std::int64_t samples)
    : RunPlan({.samples = samples,
               .seats = config.trainer.seat_count(),
               .batch_size = config.trainer.batch_size,
               .drop_last = config.data.drop_last,
               .max_epochs = config.run.max_epochs,
               .max_gradients = config.run.max_gradients,
               .max_steps = config.run.max_steps}) {
  if (steps_per_epoch_ == 0) {
    throw RunError(ExitStatus::bad_configuration,
                   "key 'data.drop_last': the " + std::to_string(samples) + " samples give " +
                       std::to_string(config.trainer.seat_count()) + " seats no full batch of " +
                       std::to_string(config.trainer.batch_size) + "; lower trainer.batch_size, or drop nothing");
  }
  if (total_steps_ <= kMaxSteps) return;
  throw RunError(ExitStatus::bad_configuration,
                 "key 'run.max_epochs': expected a run of at most " + std::to_string(kMaxSteps) + " steps, found " +
                     std::to_string(total_steps_) + "; lower it, or limit the run with run.max_steps");
}

RunPlan RunPlan::limited_to(std::int64_t steps) const {
  RunPlan plan = *this;
  plan.total_steps_ = std::min(total_steps_, steps);
  return plan;
}

}  // namespace runnel
