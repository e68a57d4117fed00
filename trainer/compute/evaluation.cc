// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/evaluation.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/nll_loss.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "trainer/dataset/batch.h"

namespace runnel {

Score evaluate(Model& model, const IdxDataset& dataset, const Config& config, const std::function<bool()>& keep_going) {
  const c10::InferenceMode no_autograd;
  const auto batch_size = static_cast<std::size_t>(config.trainer.test_batch_size);
  BatchBuilder builder(dataset, batch_size, config.data.normalize, model.device());
  std::vector<std::uint32_t> samples(dataset.size());
  std::iota(samples.begin(), samples.end(), 0U);

  Score score;
  for (std::size_t begin = 0; begin < samples.size() && keep_going(); begin += batch_size) {
    const std::size_t count = std::min(batch_size, samples.size() - begin);
    const Batch batch = builder.build(std::span(samples).subspan(begin, count));
    const at::Tensor log_probabilities = model.forward(batch.images, /*training=*/false);
    const at::Tensor losses = at::nll_loss(log_probabilities, batch.labels, {}, at::Reduction::None);
    score.loss_sum += losses.sum(at::kDouble).item<double>();
    score.correct += log_probabilities.argmax(1).eq(batch.labels).sum().item<std::int64_t>();
    score.samples += batch.size();
  }
  return score;
}

}  // namespace runnel
