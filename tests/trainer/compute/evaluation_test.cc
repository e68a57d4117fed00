// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/evaluation.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;

bool always() {
  return true;
}

class EvaluationTest : public testing::Test {
 protected:
  EvaluationTest() { config_.trainer.test_batch_size = 8; }

  static IdxDataset load(const std::filesystem::path& folder) {
    write_idx_folder(folder, 1, 50);
    return IdxDataset({.folder = folder, .split = Split::test});
  }

  static constexpr SampleRange kAll{.first = 0, .count = 50};

  Score score_of(const SampleRange& share) { return evaluate(model_, data_, share, config_, always); }

  TemporaryFolder folder_;
  Config config_;
  TrainedModel model_ = Registry().make_model(config_);
  IdxDataset data_ = load(folder_.path());
};

TEST_F(EvaluationTest, PartsAddUpToTheWhole) {
  const Score whole = score_of(kAll);
  EXPECT_EQ(whole.samples, 50);
  EXPECT_EQ(whole.loss.count, 50);
  EXPECT_NEAR(whole.loss.mean(), 2.3, 0.2);  // untrained: about log 10
  Score sum;
  for (std::size_t part = 0; part < 3; ++part) sum += score_of(contiguous_share(50, part, 3));
  EXPECT_EQ(sum.samples, whole.samples);
  EXPECT_EQ(sum.metrics[0], whole.metrics[0]);
  EXPECT_NEAR(sum.loss.sum, whole.loss.sum, 1e-4);
}

TEST_F(EvaluationTest, DoesNotDependOnTheSizeOfThePasses) {
  const Score eights = score_of(kAll);
  config_.trainer.test_batch_size = 5000;
  const Score whole = score_of(kAll);
  EXPECT_EQ(whole.metrics[0], eights.metrics[0]);
  EXPECT_NEAR(whole.loss.sum, eights.loss.sum, 1e-4);
}

TEST_F(EvaluationTest, DoesNotDependOnReadingAhead) {
  config_.data.prefetch = 0;
  const Score expected = score_of(kAll);
  for (const std::int64_t prefetch : {1, 2, 8}) {
    config_.data.prefetch = prefetch;
    EXPECT_EQ(score_of(kAll), expected) << prefetch;
  }
}

TEST_F(EvaluationTest, IsRepeatable) {
  EXPECT_EQ(score_of(kAll), score_of(kAll));
}

TEST_F(EvaluationTest, StopsBetweenBatchesWhenAsked) {
  int asked = 0;
  const Score score = evaluate(model_, data_, kAll, config_, [&] { return ++asked <= 2; });
  EXPECT_EQ(score.samples, 2 * config_.trainer.test_batch_size);
}

TEST(Score, OfNoSamplesIsZero) {
  EXPECT_EQ(Score().loss.mean(), 0);
}

TEST(Score, AddsSumsAndCounts) {
  Score sum{.samples = 3, .loss = {.sum = 1.5, .count = 6}, .metrics = {{{.sum = 2, .count = 3}}}};
  const Score other{.samples = 1, .loss = {.sum = 0.5, .count = 2}, .metrics = {{{.sum = 1, .count = 1}, {4, 8}}}};
  sum += other;
  EXPECT_EQ(sum, (Score{.samples = 4, .loss = {2.0, 8}, .metrics = {{{3, 4}, {4, 8}}}}));
  EXPECT_EQ(sum.loss.mean(), 0.25);
  EXPECT_EQ(sum.metrics[0].mean(), 0.75);
}

}  // namespace
}  // namespace runnel
