// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/training_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "tests/trainer/dataset/watched_dataset.h"
#include "trainer/dataset/sampler.h"

namespace runnel {
namespace {

using test::WatchedDataset;

class TrainingBatchesTest : public testing::TestWithParam<std::int64_t> {
 protected:
  TrainingBatchesTest() {
    config_.trainer.count = 2;
    config_.trainer.seats = 4;
    config_.trainer.batch_size = 3;
    config_.run.max_epochs = 2;
    config_.run.max_gradients = 0;
    config_.data.prefetch = GetParam();
  }

  RunPlan plan() const { return RunPlan(config_, data_.size()); }

  /// What the share sees in the step, by a sampler of its own.
  std::vector<std::int64_t> expected(std::int64_t step, std::size_t share) const {
    Sampler sampler({.samples = static_cast<std::size_t>(data_.size()),
                     .seats = 4,
                     .first = share,
                     .batch_size = 3,
                     .shuffle = config_.data.shuffle,
                     .seed = static_cast<std::uint64_t>(config_.run.seed)});
    const auto samples = sampler.batch(plan().epoch_of(step), plan().step_in_epoch(step));
    return {samples.begin(), samples.end()};
  }

  static std::vector<std::int64_t> samples_of(const Batch& batch) {
    const auto* first = batch.target().const_data_ptr<std::int64_t>();
    return {first, first + batch.size()};
  }

  static constexpr SeatRange kShares = {.first = 2, .count = 2};  // the second trainer's

  WatchedDataset data_{26};  // three steps an epoch; shares 2 and 3 have 6 samples, which are two batches
  Config config_;
};

TEST_P(TrainingBatchesTest, AreThoseOfTheSamplersInTheOrderOfComputing) {
  TrainingBatches batches(data_, plan(), config_, kShares, c10::kCPU);
  ASSERT_EQ(plan().total_steps(), 6);
  std::vector<std::uint32_t> order;
  for (std::int64_t step = 0; step < 6; ++step) {
    for (const std::size_t share : {2, 3}) {
      const auto samples = expected(step, share);
      EXPECT_EQ(samples_of(batches.get(step, share).batch), samples) << "step " << step << ", share " << share;
      order.insert(order.end(), samples.begin(), samples.end());
    }
  }
  EXPECT_EQ(data_.read_samples(), order);
}

TEST_P(TrainingBatchesTest, AStepCanBeMadeAgainOrLeftOut) {
  TrainingBatches batches(data_, plan(), config_, kShares, c10::kCPU);
  for (const std::int64_t step : {4, 0, 0, 5, 1}) {
    for (const std::size_t share : {2, 3}) {
      EXPECT_EQ(samples_of(batches.get(step, share).batch), expected(step, share)) << step << ", " << share;
    }
  }
}

TEST_P(TrainingBatchesTest, NothingIsReadBeforeTheFirstStepAndNoFurtherThanAllowed) {
  TrainingBatches batches(data_, plan(), config_, kShares, c10::kCPU);
  EXPECT_TRUE(data_.read_samples().empty());
  batches.get(0, 2);
  std::vector<std::uint32_t> order;
  for (std::int64_t number = 0; number <= 2 * GetParam() && number < 12; ++number) {
    const auto samples = expected(number / 2, static_cast<std::size_t>(2 + number % 2));
    order.insert(order.end(), samples.begin(), samples.end());
  }
  EXPECT_TRUE(data_.await_reads(order.size()));
  batches.stop();
  EXPECT_EQ(data_.read_samples(), order);
}

INSTANTIATE_TEST_SUITE_P(Prefetch, TrainingBatchesTest, testing::Values(0, 1, 2, 8));

}  // namespace
}  // namespace runnel
