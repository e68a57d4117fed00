// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/evaluation.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "trainer/compute/pass_error.h"
#include "trainer/dataset/batch_reader.h"

namespace runnel {

Score evaluate(TrainedModel& model, const Dataset& dataset, const SampleRange& share, const Config& config,
               const std::function<bool()>& keep_going) {
  const auto batch_size = static_cast<std::size_t>(config.trainer.test_batch_size);
  std::vector<std::uint32_t> samples(share.count);
  std::iota(samples.begin(), samples.end(), static_cast<std::uint32_t>(share.first));
  const auto passes = static_cast<std::int64_t>((samples.size() + batch_size - 1) / batch_size);
  const auto select = [&](std::int64_t pass) -> Selection {
    const std::size_t begin = static_cast<std::size_t>(pass) * batch_size;
    return {.samples = std::span(samples).subspan(begin, std::min(batch_size, samples.size() - begin))};
  };
  BatchReader reader(dataset,
                     {.batches = passes,
                      .largest_batch = batch_size,
                      .ahead = static_cast<std::size_t>(config.data.prefetch),
                      .device = model.device()},
                     select);

  const c10::InferenceMode no_autograd;  // after the reader's memory, which its thread writes in another mode
  Score score;
  model.model().set_training(false);
  for (std::int64_t pass = 0; pass < passes && keep_going(); ++pass) {
    const Batch batch = reader.get(pass).batch;
    make_pass([&] { model.objective().add_to(score, model.model().forward(batch), batch); }, pass_name(config),
              "test samples from " + std::to_string(share.first + static_cast<std::size_t>(pass) * batch_size) + " on");
    score.samples += batch.size();
  }
  return score;
}

}  // namespace runnel
