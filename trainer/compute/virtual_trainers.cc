// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/virtual_trainers.h"

#include <cmath>

namespace runnel {
namespace {

/// For the first of several passes: parameters are used, but no gradient is final.
class ParameterObserver final : public PassObserver {
 public:
  explicit ParameterObserver(PassObserver* observer) : observer_(observer) {}

  void before_use(std::size_t tensor) override { observer_->before_use(tensor); }
  void gradient_ready(std::size_t) override {}

 private:
  PassObserver* observer_;
};

TrainingBatches::Shares shares_of(const Config& config, std::size_t trainer) {
  const auto each = static_cast<std::size_t>(config.trainer.shares_each());
  return {.first = trainer * each, .count = each};
}

/// The last layer first, as backward passes do.
void add(const TensorArena& addend, const TensorArena& sum, PassObserver* observer) {
  for (std::size_t tensor = sum.tensors().size(); tensor-- > 0;) {
    sum.tensors()[tensor].add_(addend.tensors()[tensor]);
    if (observer != nullptr) observer->gradient_ready(tensor);
  }
}

}  // namespace

VirtualTrainers::VirtualTrainers(TrainedModel& model, const Dataset& dataset, const RunPlan& plan,
                                 const BucketLayout& layout, const Config& config, std::size_t trainer)
    : batches_(dataset, plan, config, shares_of(config, trainer), model.device()) {
  const auto [first, count] = shares_of(config, trainer);
  for (std::size_t share = first; share < first + count; ++share) {
    computers_.emplace_back(model, batches_, config, share);
  }
  for (std::size_t leaves = 1; leaves < count; leaves *= 2) scratch_.emplace_back(layout, model.device());
}

void VirtualTrainers::record_into(Trace& trace) {
  for (GradientComputer& computer : computers_) computer.record_into(trace);
}

VirtualTrainers::Result VirtualTrainers::compute(std::int64_t step, const TensorArena& parameters,
                                                 const TensorArena& gradients, PassObserver* observer) {
  Step whole = {.index = step, .parameters = parameters, .result = {}};
  sum_subtree(whole, 0, scratch_.size(), gradients, observer);
  if (whole.result.batches > 0) whole.result.loss /= static_cast<double>(whole.result.batches);
  return whole.result;
}

// Depth first: the first half is summed where the sum is wanted, so that one more gradient a level is enough.
void VirtualTrainers::sum_subtree(Step& step, std::size_t first, std::size_t level, const TensorArena& sum,
                                  PassObserver* observer) {
  if (level == 0) return compute_one(step, first, sum, observer);
  const TensorArena& second = scratch_[level - 1].arena;
  ParameterObserver parameters_only(observer);
  sum_subtree(step, first, level - 1, sum, observer != nullptr ? &parameters_only : nullptr);
  sum_subtree(step, first + (std::size_t{1} << (level - 1)), level - 1, second, nullptr);
  add(second, sum, observer);
}

void VirtualTrainers::compute_one(Step& step, std::size_t index, const TensorArena& gradients, PassObserver* observer) {
  const GradientComputer::Result one = computers_[index].compute(step.index, step.parameters, gradients, observer);
  step.result.loss += one.loss;
  if (!std::isfinite(one.loss) && !step.result.nonfinite) step.result.nonfinite = static_cast<std::uint32_t>(index);
  step.result.batches += one.samples > 0 ? 1 : 0;
  step.result.samples += one.samples;
  step.result.staged_bytes += one.staged_bytes;
  step.result.data_ns += one.data_ns;
}

}  // namespace runnel
