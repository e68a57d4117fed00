// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/plan/run_plan.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/pass_observer.h"
#include "runtime/protocol/seat_tree.h"
#include "runtime/telemetry/trace.h"
#include "trainer/compute/gradient_computer.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"
#include "trainer/dataset/training_batches.h"
#include "trainer/model/tensor_arena.h"

namespace runnel {

/// A trainer's part of a step: computes for its seats, one after the other, and joins their gradients as the tree of
/// seats does (seat_tree.h), of which it has a whole subtree. So the run has the same bits for every number of
/// trainers.
///
/// Thread: one at a time, the same that uses the model.
class SeatGradients {
 public:
  /// Those of trainer `trainer`. Allocates a gradient for each level of its subtree. Model and data set outlive this.
  SeatGradients(TrainedModel& model, const Dataset& dataset, const RunPlan& plan, const BucketLayout& layout,
                const Config& config, std::size_t trainer);

  /// Records the spans of later passes into `trace`, which outlives them.
  void record_into(Trace& trace);

  struct Result {
    double loss = 0;                 ///< mean over the batches that are not empty; 0 without any
    std::int64_t batches = 0;        ///< that are not empty
    std::int64_t samples = 0;        ///< in all of them
    std::uint64_t staged_bytes = 0;  ///< as of `GradientComputer::Result`
    std::int64_t data_ns = 0;        ///< waited for batches
    /// Index, among this trainer's seats, of the first one whose loss is infinite or not a number.
    std::optional<std::uint32_t> nonfinite = {};
  };

  /// Writes the sum of the gradients of `step` into `gradients`, as `GradientComputer::compute` does for one seat, and
  /// the mean of its averaged tensors.
  ///
  /// `observer`, if given, is called as there: `before_use` before the first seat uses a parameter, `gradient_ready`
  /// when the sum of all gradients of a tensor is complete.
  Result compute(std::int64_t step, const TensorArena& parameters, const TensorArena& gradients,
                 PassObserver* observer = nullptr);

  /// Ends the thread that reads batches, after the read under way. No step can be made afterwards.
  void stop_reading() { batches_.stop(); }

 private:
  struct Step {
    std::int64_t index;
    const TensorArena& parameters;
    Result result;
  };

  void join_subtree(Step& step, SeatRange seats, const TensorArena& sum, PassObserver* observer);
  void join(const TensorArena& left, std::size_t left_count, const TensorArena& right, std::size_t right_count,
            PassObserver* observer) const;
  void compute_one(Step& step, std::size_t index, const TensorArena& gradients, PassObserver* observer);

  TrainingBatches batches_;
  std::deque<GradientComputer> computers_;  // one a seat
  std::vector<OwnedArena> scratch_;         // of each level of the tree: its right part
  std::vector<bool> takes_mean_;            // by tensor; else the sum
};

}  // namespace runnel
