// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/local_job.h"

#include <ATen/ops/from_blob.h>

#include <cstddef>

#include "runtime/fabric/job_layout.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/weights.h"
#include "trainer/torch/placement.h"

namespace runnel {

LocalJob::LocalJob(const Config& config, const Registry& registry, const RunPlan& plan, const Dataset& train,
                   Trace& trace, Device* device)
    : plan_(plan),
      trace_(trace),
      model_(registry.make_model(config, torch_device(id_of(device)))),
      layout_(layout_of(model_.tensors().shapes(), config)),
      buffers_{OwnedArena(layout_, model_.device()), OwnedArena(layout_, model_.device())},
      gradient_(layout_, model_.device()),
      gradients_{gradient_.floats.const_data_ptr<float>()},
      seat_gradients_(model_, train, plan, layout_, config, /*trainer=*/0),
      stream_(device != nullptr ? device->make_stream(/*marks=*/1) : nullptr),
      reducer_(make_reducer(config, layout_.float_counts(), device, stream_.get())),
      schedule_(config.optimizer.lr, config.optimizer.schedule, plan.total_steps()) {
  seat_gradients_.record_into(trace);
  std::vector<float> start(layout_.float_count());
  load_weights(config, model_.tensors());
  write_initial_parameters(model_.tensors(), layout_, start);
  buffers_[0].floats.copy_(at::from_blob(start.data(), buffers_[0].floats.sizes(), at::kFloat));
}

std::vector<float> LocalJob::parameters(std::int64_t version) {
  const at::Tensor floats = buffer_of(version).floats.cpu();
  const auto* first = floats.const_data_ptr<float>();
  return {first, first + floats.numel()};
}

SeatGradients::Result LocalJob::make_step(std::int64_t step) {
  const SeatGradients::Result result = seat_gradients_.compute(step, buffer_of(step).arena, gradient_.arena);
  since_gradient_ = Stopwatch();
  reduce(step);
  model_.use(buffer_of(step + 1).arena);
  return result;
}

std::optional<double> LocalJob::ms_since_gradient() const {
  return stream_ ? std::nullopt : std::optional(1e3 * since_gradient_.seconds());
}

void LocalJob::reduce(std::int64_t step) {
  if (stream_) stream_->wait_for_compute();
  reducer_->begin_step(schedule_.lr(step, plan_.epoch_of(step)), step + 1,
                       buffer_of(step).floats.const_data_ptr<float>(),
                       buffer_of(step + 1).floats.mutable_data_ptr<float>(), gradients_);
  for (std::size_t bucket = 0; bucket < layout_.bucket_count(); ++bucket) {
    const TraceSpan span(trace_, {.what = TraceWhat::reduce,
                                  .bucket = static_cast<std::uint32_t>(bucket),
                                  .step = static_cast<std::uint64_t>(step)});
    reducer_->reduce(layout_.bucket(bucket));
  }
  reducer_->finish_step();
  if (stream_) stream_->let_compute_wait();
}

}  // namespace runnel
