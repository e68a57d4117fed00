// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/config/config.h"

namespace runnel {

/// Where a run begins.
struct RunStart {
  std::int64_t step = 0;     ///< the first one that it makes; equal to the version that it begins with
  bool tests_first = false;  ///< tests that version before
};

/// How long a run is and how its steps fall into epochs: the same in every process of a job.
///
/// Steps and epochs count from 0. In an epoch every seat goes through its part of the data once, in batches of the same
/// size, so an epoch has as many steps as the longest part has batches; a seat that has used its whole part has an
/// empty batch. With data.drop_last it has as many as the shortest part has full batches.
class RunPlan {
 public:
  struct Size {
    std::int64_t samples = 0;        ///< of the whole training split
    std::int64_t seats = 1;          ///< at least 1
    std::int64_t batch_size = 1;     ///< of a seat, at least 1
    bool drop_last = false;          ///< epochs end before a batch that is not full
    std::int64_t max_epochs = 1;     ///< at least 1
    std::int64_t max_gradients = 0;  ///< over all seats: max_gradients / seats steps, at least 1; 0: no limit
    std::int64_t max_steps = 0;      ///< 0: no limit
  };

  explicit RunPlan(const Size& size);

  /// The plan of the job that `config` describes, on a training split of `samples`. Throws `RunError` (78) for more
  /// steps than the exchange can count, 2^36 - 2, and for none.
  RunPlan(const Config& config, std::int64_t samples);

  std::int64_t total_steps() const { return total_steps_; }

  /// Epochs that begin: max_gradients or max_steps may end the last one early.
  std::int64_t epochs() const { return epoch_of(total_steps_ - 1) + 1; }

  std::int64_t epoch_of(std::int64_t step) const { return step / steps_per_epoch_; }
  std::int64_t step_in_epoch(std::int64_t step) const { return step % steps_per_epoch_; }

  /// Whether the parameters after `step` are tested: at the end of an epoch and at the end of the run.
  bool test_after(std::int64_t step) const {
    return step_in_epoch(step) == steps_per_epoch_ - 1 || step == total_steps_ - 1;
  }

  /// The same plan with at most `steps` steps.
  RunPlan limited_to(std::int64_t steps) const;

 private:
  std::int64_t steps_per_epoch_;
  std::int64_t total_steps_;
};

}  // namespace runnel
