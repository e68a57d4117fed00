// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/checkpoint/checkpoint.h"
#include "runtime/checkpoint/manifest.h"
#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "runtime/plan/run_plan.h"
#include "trainer/compute/trained_model.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// The checkpoint that a run is told to go on from; nothing: it begins at step 0.
///
/// `place`: of a rank; nothing in a process that starts ranks or trains alone, which reads every byte and tells what it
/// finds. A rank that the launcher has told which one to take believes that it is good. Throws `RunError`: as
/// `newest_good` and `Checkpoint`, and bad_configuration where the run would begin at step 0 in a folder that has
/// checkpoints.
std::optional<Checkpoint> checkpoint_to_resume(const CheckpointConfig& config, const std::optional<LaunchPlace>& place);

/// Gives `config` what it leaves to the run's first start: the number of seats. Throws `RunError` (78) for more
/// trainers than the checkpoint has seats.
void adopt_seats(Config& config, const Checkpoint& checkpoint);

/// What the checkpoints of this run say of it, but for step, date, account and shards. `data`: what tells the samples
/// from others.
Manifest describe_run(const Config& config, const TrainedModel& model, const std::string& data);

/// What a run knows of its earlier starts: the account in its checkpoints.
struct RunHistory {
  std::int64_t starts = 1;          ///< this one included
  double seconds = 0;               ///< of the earlier ones, up to the checkpoint
  std::string tests = "[]";         ///< JSON: those until the checkpoint
  std::int64_t tested_version = 0;  ///< by the latest of them; 0: none

  /// Throws `RunError` (65) for an account that is none.
  static RunHistory of(const Checkpoint& checkpoint);
};

/// Where a run that goes on from `checkpoint` begins. Throws `RunError` (78) when `plan` ends before.
RunStart start_from(const Checkpoint& checkpoint, const RunHistory& history, const RunPlan& plan);

/// Gives the model the values of its tensors that are not exchanged.
void load_others(const Checkpoint& checkpoint, const TrainedTensors& tensors);

}  // namespace runnel
