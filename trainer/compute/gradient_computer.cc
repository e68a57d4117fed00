// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/gradient_computer.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>

#include <optional>
#include <string>
#include <utility>

#include "runtime/base/joined.h"
#include "runtime/base/random.h"
#include "runtime/base/steady_clock.h"
#include "trainer/compute/pass_error.h"
#include "transport/log.h"

namespace runnel {
namespace {

/// Whether this seat's buffers go into what the generator makes of all (`Reducer`).
bool hands_over_buffers(const Config& config, std::uint64_t seat) {
  return config.model.buffers != BufferRule::first || seat == 0;
}

}  // namespace

GradientComputer::GradientComputer(TrainedModel& model, TrainingBatches& batches, const Config& config,
                                   std::uint64_t seat)
    : model_(model),
      batches_(batches),
      seed_(static_cast<std::uint64_t>(config.run.seed)),
      seat_(seat),
      pass_name_(pass_name(config)),
      with_buffers_(hands_over_buffers(config, seat)),
      loss_(at::empty({}, at::TensorOptions(at::kFloat).pinned_memory(model.device().is_cuda()))),
      loss_copied_(model.device()),
      reports_unused_(seat == 0) {}

GradientComputer::Result GradientComputer::compute(std::int64_t step, const TensorArena& parameters,
                                                   const TensorArena& gradients, PassObserver* observer) {
  Result result;
  const Batch batch = await_batch(step, result);
  TrainingStep passes(model_.tensors(), parameters, gradients, observer, with_buffers_);
  if (batch.size() == 0) {
    passes.end_forward();
    passes.end_backward();
    return result;
  }
  prepare(step);
  make_pass([&] { make_passes(step, batch, passes); }, pass_name_, "step " + std::to_string(step + 1));
  if (std::exchange(reports_unused_, false)) report_unused(passes);
  loss_copied_.wait();
  result.loss = loss_.item<double>();
  result.samples = batch.size();
  result.staged_bytes = passes.staged_bytes();
  return result;
}

Batch GradientComputer::await_batch(std::int64_t step, Result& result) {
  const std::int64_t begin_ns = steady_ns();
  const BatchReader::Item item = batches_.get(step, seat_);
  const std::int64_t end_ns = steady_ns();
  result.data_ns = end_ns - begin_ns;
  if (trace_ == nullptr) return item.batch;
  const auto index = static_cast<std::uint64_t>(step);
  trace_->add(item.begin_ns, item.end_ns, {.what = TraceWhat::read, .step = index});
  trace_->add(begin_ns, end_ns, {.what = TraceWhat::data, .step = index});
  return item.batch;
}

void GradientComputer::make_passes(std::int64_t step, const Batch& batch, TrainingStep& passes) {
  std::optional<TraceSpan> pass;
  const auto begin = [&](TraceWhat what) {
    if (trace_ != nullptr) pass.emplace(*trace_, TraceLabel{.what = what, .step = static_cast<std::uint64_t>(step)});
  };
  begin(TraceWhat::forward);
  const at::Tensor loss = model_.objective().loss(model_.model().forward(batch), batch);
  // Submitted to a GPU before the backward pass, so that reading the loss does not wait for the gradient.
  loss_.copy_(loss.detach(), /*non_blocking=*/true);
  loss_copied_.set();
  passes.end_forward();
  begin(TraceWhat::backward);
  loss.backward();
  passes.end_backward();
}

void GradientComputer::report_unused(const TrainingStep& passes) {
  if (passes.unused().empty()) return;
  const auto name = [&](std::size_t tensor) { return model_.tensors().trained()[tensor].name; };
  log_warning("the passes of the first step do not use " + joined(passes.unused(), ", ", name) +
              ": such a parameter has a gradient of zero; freeze it (requires_grad = False) if that is meant");
}

void GradientComputer::prepare(std::int64_t step) {
  model_.model().set_training(true);
  // Dropout must not depend on earlier draws of this process: a step can be repeated, also in another process, with
  // equal bits.
  at::manual_seed(derived_seed(seed_, RandomStream::dropout, seat_, static_cast<std::uint64_t>(step)));
}

}  // namespace runnel
