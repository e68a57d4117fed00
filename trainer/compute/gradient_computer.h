// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "runtime/config/config.h"
#include "runtime/protocol/pass_observer.h"
#include "runtime/telemetry/trace.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/training_batches.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/training_step.h"
#include "trainer/torch/compute_mark.h"

namespace runnel {

/// One trainer's part of a step: its batch, forward, loss, backward.
///
/// A function of configuration, trainer index, step and parameters only: repeating a step gives the same bits.
/// Thread: one at a time, the same that uses the model.
class GradientComputer {
 public:
  struct Result {
    double loss = 0;                 ///< of the objective; 0 for an empty batch
    std::int64_t samples = 0;        ///< in the batch
    std::uint64_t staged_bytes = 0;  ///< of gradients that had to be copied because autograd wrote them elsewhere
    std::int64_t data_ns = 0;        ///< waited for the batch
  };

  /// Of seat `seat`, one of those of `batches`. Model and batches must outlive
  /// the computer.
  GradientComputer(TrainedModel& model, TrainingBatches& batches, const Config& config, std::uint64_t seat);

  /// Records the spans of later passes into `trace`, which outlives them.
  void record_into(Trace& trace) { trace_ = &trace; }

  /// Writes the gradient of the mean loss over the batch of `step` into `gradients`; zeros for an empty batch, and for
  /// a parameter that takes no part in the passes.
  ///
  /// The passes read `parameters` in place. On return the gradient is complete in memory, nothing refers to the arenas
  /// except the model's bindings, and both may be handed over. On a GPU the forward pass is done then, and the rest is
  /// given to the compute stream: what reads the gradient or writes the parameters must be ordered after that.
  ///
  /// `observer`, where there is one, gets one call of `before_use` and then one of `gradient_ready` for every tensor,
  /// also for an empty batch and for parameters that take no part. A parameter is not read before the former,
  /// `gradients` are not written before it was called for all of them, and from the latter on the tensor's gradient may
  /// be handed over. Throws what it throws, and what reading the batch threw, and a `RunError` of `bad_data` where
  /// LibTorch cannot compute the batch; the step can be made again then.
  Result compute(std::int64_t step, const TensorArena& parameters, const TensorArena& gradients,
                 PassObserver* observer = nullptr);

 private:
  Batch await_batch(std::int64_t step, Result& result);
  void prepare(std::int64_t step);
  void make_passes(std::int64_t step, const Batch& batch, TrainingStep& passes);
  void report_unused(const TrainingStep& passes);

  TrainedModel& model_;
  TrainingBatches& batches_;
  std::uint64_t seed_;
  std::uint64_t seat_;
  std::string pass_name_;  // for messages
  bool with_buffers_;
  at::Tensor loss_;  // where the host reads it
  ComputeMark loss_copied_;
  bool reports_unused_;  // of the job's computers one, after its first passes
  Trace* trace_ = nullptr;
};

}  // namespace runnel
