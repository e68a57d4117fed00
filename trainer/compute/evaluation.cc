// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/evaluation.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "trainer/dataset/batch_builder.h"

namespace runnel {

Score evaluate(TrainedModel& model, const Dataset& dataset, const SampleRange& share, const Config& config,
               const std::function<bool()>& keep_going) {
  const c10::InferenceMode no_autograd;
  const auto batch_size = static_cast<std::size_t>(config.trainer.test_batch_size);
  BatchBuilder builder(dataset, batch_size, model.device());
  std::vector<std::uint32_t> samples(share.count);
  std::iota(samples.begin(), samples.end(), static_cast<std::uint32_t>(share.first));

  Score score;
  model.model().set_training(false);
  for (std::size_t begin = 0; begin < samples.size() && keep_going(); begin += batch_size) {
    const std::size_t count = std::min(batch_size, samples.size() - begin);
    const Batch batch = builder.build(std::span(samples).subspan(begin, count));
    model.objective().add_to(score, model.model().forward(batch), batch);
    score.samples += batch.size();
  }
  return score;
}

}  // namespace runnel
