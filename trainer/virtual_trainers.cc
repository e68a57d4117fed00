// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/virtual_trainers.h"

namespace runnel {

std::vector<IdxDataset> VirtualTrainers::load_shares(const Config& config, std::size_t trainer) {
  const auto each = static_cast<std::size_t>(config.trainer.shares_each());
  return IdxDataset::load_neighbours(config.data.path, Split::train, trainer * each, each,
                                     static_cast<std::size_t>(config.trainer.shares()));
}

VirtualTrainers::VirtualTrainers(Model& model, const std::vector<IdxDataset>& shares, const RunPlan& plan,
                                 const BucketLayout& layout, const Config& config, std::size_t trainer) {
  const std::size_t first = trainer * shares.size();
  for (std::size_t i = 0; i < shares.size(); ++i) computers_.emplace_back(model, shares[i], plan, config, first + i);
  for (std::size_t leaves = 1; leaves < shares.size(); leaves *= 2) scratch_.emplace_back(layout);
}

VirtualTrainers::Result VirtualTrainers::compute(std::int64_t step, const TensorArena& parameters,
                                                 const TensorArena& gradients) {
  Step whole = {.index = step, .parameters = parameters, .result = {}};
  sum_subtree(whole, 0, scratch_.size(), gradients);
  if (whole.result.batches > 0) whole.result.loss /= static_cast<double>(whole.result.batches);
  return whole.result;
}

// Depth first: the first half is summed where the sum is wanted, so that one more gradient a level is enough.
void VirtualTrainers::sum_subtree(Step& step, std::size_t first, std::size_t level, const TensorArena& sum) {
  if (level == 0) {
    const GradientComputer::Result one = computers_[first].compute(step.index, step.parameters, sum);
    step.result.loss += one.loss;
    step.result.batches += one.images > 0 ? 1 : 0;
    step.result.images += one.images;
    step.result.staged_bytes += one.staged_bytes;
    return;
  }
  const TensorArena& second = scratch_[level - 1].arena;
  sum_subtree(step, first, level - 1, sum);
  sum_subtree(step, first + (std::size_t{1} << (level - 1)), level - 1, second);
  for (std::size_t i = 0; i < sum.tensors().size(); ++i) sum.tensors()[i].add_(second.tensors()[i]);
}

}  // namespace runnel
