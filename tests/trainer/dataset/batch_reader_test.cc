// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch_reader.h"

#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "tests/trainer/dataset/watched_dataset.h"

namespace runnel {
namespace {

using test::WatchedDataset;

/// Batch n is the samples 2 n and 2 n + 1.
class BatchReaderTest : public testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::int64_t kBatches = 20;

  BatchReader::Settings settings() const { return {.batches = kBatches, .largest_batch = 2, .ahead = GetParam()}; }

  BatchReader::Order order() {
    return [this](std::int64_t number) -> Selection {
      samples_ = {static_cast<std::uint32_t>(2 * number), static_cast<std::uint32_t>(2 * number + 1)};
      return {.samples = samples_};
    };
  }

  static at::Tensor expected(std::int64_t number) { return at::tensor({2 * number, 2 * number + 1}, at::kLong); }

  WatchedDataset data_{2 * kBatches};
  std::vector<std::uint32_t> samples_;
};

TEST_P(BatchReaderTest, GivesEveryBatchInOrder) {
  BatchReader reader(data_, settings(), order());
  for (std::int64_t number = 0; number < kBatches; ++number) {
    const BatchReader::Item item = reader.get(number);
    ASSERT_TRUE(item.batch.target().equal(expected(number))) << "batch " << number;
    EXPECT_LE(item.begin_ns, item.end_ns);
  }
  std::vector<std::uint32_t> all(2 * kBatches);
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  EXPECT_EQ(data_.read_samples(), all);
}

TEST_P(BatchReaderTest, GivesAnyBatchAfterAnyOther) {
  BatchReader reader(data_, settings(), order());
  for (const std::int64_t number : {5, 6, 0, 0, 19, 18, 3}) {
    ASSERT_TRUE(reader.get(number).batch.target().equal(expected(number))) << "batch " << number;
  }
}

TEST_P(BatchReaderTest, ABatchStaysUntilTheNextIsWanted) {
  BatchReader reader(data_, settings(), order());
  for (std::int64_t number = 0; number + 1 < kBatches; ++number) {
    const Batch batch = reader.get(number).batch;
    // The reader has gone as far as it may, and so wrote all that it may write.
    const auto ahead = static_cast<std::int64_t>(GetParam());
    ASSERT_TRUE(data_.await_reads(static_cast<std::size_t>(2 * std::min(number + ahead + 1, kBatches))));
    ASSERT_TRUE(batch.target().equal(expected(number))) << "batch " << number;
  }
}

TEST_P(BatchReaderTest, ThrowsWithTheBatchThatCannotBeRead) {
  data_.fail_at(7);
  BatchReader reader(data_, settings(), order());
  for (std::int64_t number = 0; number < 3; ++number) reader.get(number);
  try {
    reader.get(3);
    ADD_FAILURE() << "a damaged sample was read";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_STREQ(error.what(), "sample 7 is damaged");
  }
  EXPECT_TRUE(reader.get(4).batch.target().equal(expected(4)));
}

TEST_P(BatchReaderTest, ReadsInAThreadOfItsOwnIfAheadAtAll) {
  BatchReader reader(data_, settings(), order());
  reader.get(0);
  ASSERT_TRUE(data_.await_reads(2 * (1 + GetParam()))) << "only another thread can read the others";
  reader.stop();
  EXPECT_EQ(data_.threads().size(), GetParam() == 0 ? 1 : 2);
}

/// A data set may write by operations, which LibTorch refuses for tensors that were made in inference mode.
TEST_P(BatchReaderTest, CanBeUsedWhereNoGradientIsWanted) {
  BatchReader reader(data_, settings(), order());
  const c10::InferenceMode no_autograd;
  for (std::int64_t number = 0; number < kBatches; ++number) {
    EXPECT_TRUE(reader.get(number).batch.target().equal(expected(number)));
  }
}

TEST_P(BatchReaderTest, ABatchWithoutSamplesIsNotRead) {
  BatchReader reader(data_, settings(), [](std::int64_t) { return Selection(); });
  const Batch batch = reader.get(0).batch;
  EXPECT_EQ(batch.size(), 0);
  EXPECT_EQ(batch.fields.size(), 1U);
  reader.stop();
  EXPECT_TRUE(data_.read_samples().empty());
}

INSTANTIATE_TEST_SUITE_P(Ahead, BatchReaderTest, testing::Values(0, 1, 2, 8));

}  // namespace
}  // namespace runnel
