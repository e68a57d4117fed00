// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/gradient_computer.h"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/nll_loss.h>

#include <optional>

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

/// Sees to it that a gradient lies where it belongs before anybody hears of it.
class CollectedGradients final : public PassObserver {
 public:
  CollectedGradients(const Model& model, const TensorArena& gradients, PassObserver* observer)
      : model_(model), gradients_(gradients), observer_(observer) {}

  void before_use(std::size_t tensor) override {
    if (observer_ != nullptr) observer_->before_use(tensor);
  }

  void gradient_ready(std::size_t tensor) override {
    staged_bytes_ += collect_gradient(model_, gradients_, tensor);
    if (observer_ != nullptr) observer_->gradient_ready(tensor);
  }

  std::uint64_t staged_bytes() const { return staged_bytes_; }

 private:
  const Model& model_;
  const TensorArena& gradients_;
  PassObserver* observer_;
  std::uint64_t staged_bytes_ = 0;
};

/// What an empty batch comes to, with the calls to the observer that a step of other batches makes.
void write_zeros(const TensorArena& gradients, PassObserver* observer) {
  const std::size_t count = gradients.tensors().size();
  for (std::size_t tensor = 0; observer != nullptr && tensor < count; ++tensor) {
    observer->before_use(tensor);
  }
  gradients.zero();
  for (std::size_t tensor = count; observer != nullptr && tensor-- > 0;) {
    observer->gradient_ready(tensor);
  }
}

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
  if (samples.empty()) {
    write_zeros(gradients, observer);
    return {};
  }
  bind_parameters(model_, parameters);
  bind_gradients(model_, gradients);
  // Dropout must not depend on what this process has drawn before: a step can be made again, elsewhere, with equal
  // bits.
  at::manual_seed(derived_seed(seed_, RandomStream::dropout, trainer_, static_cast<std::uint64_t>(step)));
  const Batch batch = builder_.build(samples);
  CollectedGradients collected(model_, gradients, observer);
  const ObservedPasses passes(model_, collected);
  std::optional<TraceSpan> pass;
  const auto begin = [&](TraceWhat what) {
    if (trace_ != nullptr) pass.emplace(*trace_, TraceLabel{.what = what, .step = static_cast<std::uint64_t>(step)});
  };
  begin(TraceWhat::forward);
  const at::Tensor loss = at::nll_loss(model_.forward(batch.images, /*training=*/true), batch.labels);
  // Given to a GPU before the backward pass, so that to know the loss is not to wait for the gradient.
  loss_.copy_(loss.detach(), /*non_blocking=*/true);
  loss_copied_.set();
  begin(TraceWhat::backward);
  loss.backward();
  pass.reset();
  loss_copied_.wait();
  return {.loss = loss_.item<double>(), .images = batch.size(), .staged_bytes = collected.staged_bytes()};
}

}  // namespace runnel
