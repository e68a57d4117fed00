// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/gradient_computer.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nll_loss.h>

#include <optional>
#include <span>
#include <vector>

#include "runtime/base/random.h"

namespace runnel {
namespace {

/// The passes in its scope have an observer.
class ObservedPasses {
 public:
  ObservedPasses(Model& model, PassObserver& observer) : model_(model) { model_.observe(&observer); }
  ~ObservedPasses() { model_.observe(nullptr); }
  ObservedPasses(const ObservedPasses&) = delete;
  ObservedPasses& operator=(const ObservedPasses&) = delete;

 private:
  Model& model_;
};

/// Gives the observer a complete step, whatever part of the parameters the passes use: each tensor is reported once
/// before its first use and once with its gradient, which is then in its place.
class CompleteStep final : public PassObserver {
 public:
  CompleteStep(const Model& model, const TensorArena& gradients, PassObserver* observer)
      : model_(model),
        gradients_(gradients),
        observer_(observer),
        used_(gradients.tensors().size()),
        ready_(gradients.tensors().size()) {}

  void before_use(std::size_t tensor) override {
    if (used_[tensor]) return;
    used_[tensor] = true;
    if (observer_ != nullptr) observer_->before_use(tensor);
  }

  void gradient_ready(std::size_t tensor) override {
    ready_[tensor] = true;
    staged_bytes_ += collect_gradient(model_, gradients_, tensor);
    if (observer_ != nullptr) observer_->gradient_ready(tensor);
  }

  /// After the forward pass: gradients may be written once every tensor was reported.
  void end_forward() {
    for (std::size_t tensor = 0; tensor < used_.size(); ++tensor) before_use(tensor);
  }

  /// After the backward pass, which leaves the gradients of parameters that took no part as they were: those of an
  /// older step.
  void end_backward() {
    for (std::size_t tensor = ready_.size(); tensor-- > 0;) {
      if (ready_[tensor]) continue;
      gradients_.tensors()[tensor].zero_();
      if (observer_ != nullptr) observer_->gradient_ready(tensor);
    }
  }

  std::uint64_t staged_bytes() const { return staged_bytes_; }

 private:
  const Model& model_;
  const TensorArena& gradients_;
  PassObserver* observer_;
  std::vector<bool> used_;   // by tensor
  std::vector<bool> ready_;  // by tensor
  std::uint64_t staged_bytes_ = 0;
};

}  // namespace

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
  CompleteStep complete(model_, gradients, observer);
  if (samples.empty()) {
    complete.end_forward();
    complete.end_backward();
    return {};
  }
  const Batch batch = prepare(step, samples, parameters, gradients);
  const ObservedPasses passes(model_, complete);
  std::optional<TraceSpan> pass;
  const auto begin = [&](TraceWhat what) {
    if (trace_ != nullptr) pass.emplace(*trace_, TraceLabel{.what = what, .step = static_cast<std::uint64_t>(step)});
  };
  begin(TraceWhat::forward);
  const at::Tensor loss = at::nll_loss(model_.forward(batch.images, /*training=*/true), batch.labels);
  // Submitted to a GPU before the backward pass, so that reading the loss does not wait for the gradient.
  loss_.copy_(loss.detach(), /*non_blocking=*/true);
  loss_copied_.set();
  complete.end_forward();
  begin(TraceWhat::backward);
  loss.backward();
  complete.end_backward();
  pass.reset();
  loss_copied_.wait();
  return {.loss = loss_.item<double>(), .images = batch.size(), .staged_bytes = complete.staged_bytes()};
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
