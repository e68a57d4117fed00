// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "runtime/config/config.h"
#include "runtime/reduction/update_formulas.h"

namespace runnel {

/// The arithmetic of an optimizer on a block of parameters. Owns no per-parameter memory.
class UpdateRule {
 public:
  static constexpr std::size_t kMaxStates = 2;

  /// The arrays of one block, each of `count` floats. `gradient` is the reduced gradient, `in` are the parameters of
  /// the last version, `out` those of the next; no two arrays overlap. `state` holds `state_count()` arrays, zero
  /// before the first step.
  struct Block {
    std::size_t count;
    const float* gradient;
    const float* in;
    float* out;
    float* const* state;
  };

  virtual ~UpdateRule() = default;

  /// How many floats of state the rule keeps per parameter; at most `kMaxStates`.
  virtual std::size_t state_count() const = 0;

  /// Sets the constants of a step; `step` counts from 1, `lr` comes from the schedule.
  virtual void begin_step(double lr, std::int64_t step) = 0;

  /// The formula with the step's constants, for a device.
  virtual UpdateFormula formula() const = 0;

  /// Writes `out`, updates `state`, and returns whether all of `out` is finite. The result of an element depends on
  /// that element only, so how blocks are cut and distributed over threads changes no bit.
  virtual bool update(const Block& block) const = 0;
};

/// The rule that `config.name` names. The formulas, with their sources, stand in adadelta.h, sgd.h and adam.h.
std::unique_ptr<UpdateRule> make_update_rule(const OptimizerConfig& config);

}  // namespace runnel
