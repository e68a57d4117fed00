// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/plan/run_plan.h"
#include "runtime/plan/schedule.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/reduction/reducer.h"
#include "runtime/telemetry/trace.h"
#include "trainer/compute/seat_gradients.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/registry.h"
#include "trainer/run/stopwatch.h"

namespace runnel {

/// What the generator and the trainer of a job hold, in one process and in plain memory. Thread: one at a time.
class LocalJob {
 public:
  /// `device`: where model and reducer work; null for the CPU. The arguments outlive this. Throws as
  /// `load_weights`.
  LocalJob(const Config& config, const Registry& registry, const RunPlan& plan, const Dataset& train, Trace& trace,
           Device* device);

  TrainedModel& model() { return model_; }
  Trace& trace() { return trace_; }
  const BucketLayout& layout() const { return layout_; }

  /// A copy of the parameters of version `version`; as long as no version after the next one exists.
  std::vector<float> parameters(std::int64_t version);

  /// Makes version `step + 1` of the parameters from version `step`, and binds the model to it.
  SeatGradients::Result make_step(std::int64_t step);

  /// Index of the first parameter of the last step that is not finite, as `Reducer::first_nonfinite`.
  std::optional<std::size_t> first_nonfinite() const { return reducer_->first_nonfinite(); }

  /// Time since the last step's gradient was complete. Nothing on a device, where the host does not wait for that.
  std::optional<double> ms_since_gradient() const;

 private:
  OwnedArena& buffer_of(std::int64_t version) {
    return buffers_[static_cast<std::size_t>(version % kParameterBuffers)];
  }
  void reduce(std::int64_t step);

  const RunPlan& plan_;
  Trace& trace_;
  TrainedModel model_;
  BucketLayout layout_;
  std::array<OwnedArena, kParameterBuffers> buffers_;
  OwnedArena gradient_;
  std::array<const float*, 1> gradients_;
  SeatGradients seat_gradients_;
  std::unique_ptr<DeviceStream> stream_;  // of a device
  std::unique_ptr<Reducer> reducer_;
  Schedule schedule_;
  Stopwatch since_gradient_;
};

}  // namespace runnel
