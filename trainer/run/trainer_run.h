// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/client/trainer_client.h"
#include "runtime/config/config.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/score.h"
#include "trainer/compute/seat_gradients.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/registry.h"
#include "trainer/run/test_share.h"

namespace runnel {

/// A trainer's part of a job: batches forward and backward, its gradients to the generator, its part of each test.
/// Thread: one at a time.
class TrainerRun {
 public:
  /// Trainer `trainer`, on its share of `train`. Opens the test set. The arguments outlive this; passes run on the
  /// device of `model`. Throws `RunError`.
  TrainerRun(const Config& config, const Registry& registry, const Dataset& train, const RunPlan& plan,
             const RunStart& start, const BucketLayout& layout, TrainedModel& model, std::size_t trainer);

  /// Makes all steps and tests of the plan from the start on. `exchange` uses the device of the model. Throws
  /// `RunError` when the run has to stop earlier.
  void run(TrainerClient& exchange);

  /// The whole test set.
  const Dataset& test_data() const { return test_share_.dataset(); }

 private:
  void make_steps(TrainerClient& exchange);
  void write_state(TrainerClient& exchange, std::int64_t version);
  void make_step(TrainerClient& exchange, std::int64_t step, const TensorArena& parameters,
                 const TensorArena& gradients);
  void make_test(TrainerClient& exchange, std::int64_t version);

  const RunPlan& plan_;
  const RunStart start_;
  const BucketLayout& layout_;
  TrainedModel& model_;
  TestShare test_share_;
  SeatGradients seat_gradients_;
};

}  // namespace runnel
