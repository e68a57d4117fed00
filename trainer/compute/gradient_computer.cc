// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/gradient_computer.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nll_loss.h>

#include <optional>
#include <span>

#include "runtime/base/random.h"

namespace runnel {
GradientComputer::GradientComputer(Model& model, const IdxDataset& share, const RunPlan& plan, const Config& config,
                                   std::uint64_t trainer)
    : model_(model),
      plan_(plan),
      seed_(static_cast<std::uint64_t>(config.run.seed)),
      trainer_(trainer),
      sampler_({.samples = static_cast<std::uint32_t>(share.size()),
                .batch_size = static_cast<std::uint32_t>(config.trainer.batch_size),
                .shuffle = config.data.shuffle,
                .seed = seed_,
                .trainer = trainer}),
      builder_(share, static_cast<std::size_t>(config.trainer.batch_size), config.data.normalize, model.device()),
      loss_(at::empty({}, at::TensorOptions(at::kFloat).pinned_memory(model.device().is_cuda()))),
      loss_copied_(model.device()) {}

GradientComputer::Result GradientComputer::compute(std::int64_t step, const TensorArena& parameters,
                                                   const TensorArena& gradients, PassObserver* observer) {
  const auto samples = sampler_.batch(plan_.epoch_of(step), plan_.step_in_epoch(step));
  TrainingStep passes(model_, gradients, observer);
  if (samples.empty()) {
    passes.end_forward();
    passes.end_backward();
    return {};
  }
  const Batch batch = prepare(step, samples, parameters, gradients);
  std::optional<TraceSpan> pass;
  const auto begin = [&](TraceWhat what) {
    if (trace_ != nullptr) pass.emplace(*trace_, TraceLabel{.what = what, .step = static_cast<std::uint64_t>(step)});
  };
  begin(TraceWhat::forward);
  const at::Tensor loss = at::nll_loss(model_.forward(batch.images, /*training=*/true), batch.labels);
  // Submitted to a GPU before the backward pass, so that reading the loss does not wait for the gradient.
  loss_.copy_(loss.detach(), /*non_blocking=*/true);
  loss_copied_.set();
  passes.end_forward();
  begin(TraceWhat::backward);
  loss.backward();
  passes.end_backward();
  pass.reset();
  loss_copied_.wait();
  return {.loss = loss_.item<double>(), .images = batch.size(), .staged_bytes = passes.staged_bytes()};
}

Batch GradientComputer::prepare(std::int64_t step, std::span<const std::uint32_t> samples,
                                const TensorArena& parameters, const TensorArena& gradients) {
  bind_parameters(model_, parameters);
  bind_gradients(model_, gradients);
  // Dropout must not depend on earlier draws of this process: a step can be repeated, also in another process, with
  // equal bits.
  at::manual_seed(derived_seed(seed_, RandomStream::dropout, trainer_, static_cast<std::uint64_t>(step)));
  return builder_.build(samples);
}

}  // namespace runnel
