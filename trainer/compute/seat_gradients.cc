// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/seat_gradients.h"

#include <ATen/ops/full.h>

#include <bit>
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

SeatRange seats_of(const Config& config, std::size_t trainer) {
  return deal_seats(static_cast<std::size_t>(config.trainer.seat_count()),
                    static_cast<std::size_t>(config.trainer.count))[trainer];
}

/// As `mean_of_two` (runtime/reduction/update_formulas.h), into `a`. The divisor is a tensor because for a number
/// LibTorch may multiply by its reciprocal.
void take_mean(const at::Tensor& a, std::size_t seats_a, const at::Tensor& b, std::size_t seats_b) {
  const auto number = [](std::size_t seats) { return static_cast<double>(seats); };
  at::Tensor sum = a.to(at::kDouble).mul_(number(seats_a)).add_(b.to(at::kDouble).mul_(number(seats_b)));
  a.copy_(sum.div_(at::full({}, number(seats_a + seats_b), sum.options())));
}

}  // namespace

SeatGradients::SeatGradients(TrainedModel& model, const Dataset& dataset, const RunPlan& plan,
                             const BucketLayout& layout, const Config& config, std::size_t trainer)
    : batches_(dataset, plan, config, seats_of(config, trainer), model.device()) {
  const auto [first, count] = seats_of(config, trainer);
  for (std::size_t seat = first; seat < first + count; ++seat) computers_.emplace_back(model, batches_, config, seat);
  for (std::size_t seats = count; seats > 1; seats = left_seats(seats)) scratch_.emplace_back(layout, model.device());
  const bool averages = config.model.buffers == BufferRule::average;
  for (const TensorPlace& tensor : layout.tensors()) {
    takes_mean_.push_back(averages && tensor.rule == TensorRule::average);
  }
}

void SeatGradients::record_into(Trace& trace) {
  for (GradientComputer& computer : computers_) computer.record_into(trace);
}

SeatGradients::Result SeatGradients::compute(std::int64_t step, const TensorArena& parameters,
                                             const TensorArena& gradients, PassObserver* observer) {
  Step whole = {.index = step, .parameters = parameters, .result = {}};
  join_subtree(whole, {.first = 0, .count = computers_.size()}, gradients, observer);
  if (whole.result.batches > 0) whole.result.loss /= static_cast<double>(whole.result.batches);
  return whole.result;
}

// Depth first: the left part is summed where the sum is wanted, so that one more gradient a level is enough.
void SeatGradients::join_subtree(Step& step, SeatRange seats, const TensorArena& sum, PassObserver* observer) {
  if (seats.count == 1) return compute_one(step, seats.first, sum, observer);
  const std::size_t left = left_seats(seats.count);
  const std::size_t right = seats.count - left;
  const TensorArena& second = scratch_[static_cast<std::size_t>(std::countr_zero(left))].arena;
  ParameterObserver parameters_only(observer);
  join_subtree(step, {seats.first, left}, sum, observer != nullptr ? &parameters_only : nullptr);
  join_subtree(step, {seats.first + left, right}, second, nullptr);
  join(sum, left, second, right, observer);
}

// The last layer first, as backward passes do.
void SeatGradients::join(const TensorArena& left, std::size_t left_count, const TensorArena& right,
                         std::size_t right_count, PassObserver* observer) const {
  for (std::size_t tensor = takes_mean_.size(); tensor-- > 0;) {
    const at::Tensor& sum = left.tensors()[tensor];
    if (takes_mean_[tensor]) {
      take_mean(sum, left_count, right.tensors()[tensor], right_count);
    } else {
      sum.add_(right.tensors()[tensor]);
    }
    if (observer != nullptr) observer->gradient_ready(tensor);
  }
}

void SeatGradients::compute_one(Step& step, std::size_t index, const TensorArena& gradients, PassObserver* observer) {
  const GradientComputer::Result one = computers_[index].compute(step.index, step.parameters, gradients, observer);
  step.result.loss += one.loss;
  if (!std::isfinite(one.loss) && !step.result.nonfinite) step.result.nonfinite = static_cast<std::uint32_t>(index);
  step.result.batches += one.samples > 0 ? 1 : 0;
  step.result.samples += one.samples;
  step.result.staged_bytes += one.staged_bytes;
  step.result.data_ns += one.data_ns;
}

}  // namespace runnel
