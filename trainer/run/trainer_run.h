// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/client/trainer_client.h"
#include "runtime/config/config.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "trainer/compute/score.h"
#include "trainer/compute/virtual_trainers.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/model.h"

namespace runnel {

/// A trainer's part of a job: batches forward and backward, its gradients to the generator, its part of each test.
/// Thread: one at a time.
class TrainerRun {
 public:
  /// Reads the data of trainer `trainer`. The arguments outlive this; passes run on the device of `model`. Throws
  /// `RunError`.
  TrainerRun(const Config& config, const RunPlan& plan, const BucketLayout& layout, Model& model, std::size_t trainer);

  /// Makes all steps and tests of the plan. `exchange` uses the device of the model. Throws `RunError` when the run has
  /// to stop earlier.
  void run(TrainerClient& exchange);

 private:
  void make_steps(TrainerClient& exchange);
  Score test(TrainerClient& exchange, std::int64_t step);

  const Config& config_;
  const RunPlan& plan_;
  const BucketLayout& layout_;
  Model& model_;
  std::vector<IdxDataset> train_;  // a share for each virtual trainer
  IdxDataset test_;
  VirtualTrainers virtual_trainers_;
};

}  // namespace runnel
