// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Steps about which trainers decide, also those in which they hand over other values than gradients. The rest of a step
// is in generator.cc.
#include <algorithm>
#include <cassert>

#include "runtime/generator/generator.h"

namespace runnel {

void Generator::adopt_start() {
  assert(fabric_.device() == nullptr);
  for (auto& link : links_) ring(*link, protocol_.version_word());
  adopt();
}

std::optional<Generator::Step> Generator::step_of_trainers() {
  for (;;) {
    const StepRecords::Decision decision = await_decision();
    if (decision.over) return std::nullopt;
    if (decision.content == SlotContent::kGradients) {
      begin_step(decision.lr);
      return make_step();
    }
    adopt();
  }
}

StepRecords::Decision Generator::await_decision() {
  fabric_.liveness().enter(Phase::reduce, protocol_.step() - adopted_);
  idle_since_ns_ = fabric_.trace().begin();
  wait_until([this] { return protocol_.next_bucket().has_value(); }, [this] { return awaited(); });
  return records_.decision(protocol_.step());
}

/// A step without gradients: what the first trainer that is not leaving has handed over takes the place of the
/// parameters, or of a state; then the parameters stay.
void Generator::adopt() {
  const std::uint64_t step = protocol_.step();
  fabric_.liveness().enter(Phase::reduce, step - adopted_);
  wait_until([this] { return !protocol_.first_awaited(); }, [this] { return awaited(); });
  const StepRecords::Decision decision = records_.read_adopted(step);
  const float* const values = memory_.slot(decision.trainer, slot_of_step(step));
  const float* next = values;
  if (decision.content != SlotContent::kParameters) {
    const auto state = reducer_->states()[decision.content - SlotContent::kFirstState];
    std::copy_n(values, state.size(), state.data());
    next = memory_.parameters(step);
  }
  std::copy_n(next, shard_.bytes.size() / sizeof(float), memory_.parameters(step + 1));
  optimizer_steps_ = static_cast<std::int64_t>(decision.optimizer_steps);
  while (!protocol_.step_complete()) protocol_.reduced();
  protocol_.end_step();
  records_.begin_steps(++adopted_);
  publish(step);
}

}  // namespace runnel
