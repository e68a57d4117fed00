// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/training_batches.h"

#include "runtime/base/random.h"

namespace runnel {
namespace {

Sampler::Settings sampling(const Dataset& dataset, const Config& config, const SeatRange& seats) {
  return {.samples = static_cast<std::size_t>(dataset.size()),
          .seats = static_cast<std::size_t>(config.trainer.seat_count()),
          .first = seats.first,
          .count = seats.count,
          .batch_size = static_cast<std::uint32_t>(config.trainer.batch_size),
          .shuffle = config.data.shuffle,
          .seed = static_cast<std::uint64_t>(config.run.seed)};
}

}  // namespace

TrainingBatches::TrainingBatches(const Dataset& dataset, const RunPlan& plan, const Config& config,
                                 const SeatRange& seats, c10::Device device)
    : plan_(plan),
      seats_(seats),
      seed_(static_cast<std::uint64_t>(config.run.seed)),
      sampler_(sampling(dataset, config, seats)),
      reader_(dataset,
              {.batches = plan.total_steps() * static_cast<std::int64_t>(seats.count),
               .largest_batch = static_cast<std::size_t>(config.trainer.batch_size),
               .ahead = static_cast<std::size_t>(config.data.prefetch) * seats.count,
               .device = device},
              [this](std::int64_t number) { return select(number); }) {}

BatchReader::Item TrainingBatches::get(std::int64_t step, std::size_t seat) {
  return reader_.get(step * static_cast<std::int64_t>(seats_.count) + static_cast<std::int64_t>(seat - seats_.first));
}

Selection TrainingBatches::select(std::int64_t number) {
  const auto count = static_cast<std::int64_t>(seats_.count);
  const std::int64_t step = number / count;
  const auto seat = static_cast<std::size_t>(number % count);
  const std::int64_t epoch = plan_.epoch_of(step);
  return {.samples = sampler_.batch(epoch, plan_.step_in_epoch(step), seat),
          .seed = derived_seed(seed_, RandomStream::change, seats_.first + seat, static_cast<std::uint64_t>(epoch))};
}

}  // namespace runnel
