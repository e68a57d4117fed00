// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/evaluation.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;

bool always() {
  return true;
}

class EvaluationTest : public testing::Test {
 protected:
  EvaluationTest() {
    write_idx_folder(folder_.path(), 1, 50);
    config_.trainer.test_batch_size = 8;
  }

  TemporaryFolder folder_;
  Config config_;
  std::unique_ptr<Model> model_ = make_model(config_.model, 1);
};

TEST_F(EvaluationTest, PartsAddUpToTheWhole) {
  const Score whole = evaluate(*model_, IdxDataset::load(folder_.path(), Split::test), config_, always);
  EXPECT_EQ(whole.samples, 50);
  EXPECT_NEAR(whole.loss(), 2.3, 0.2);  // untrained: about log 10
  Score sum;
  for (std::size_t part = 0; part < 3; ++part) {
    sum += evaluate(*model_, IdxDataset::load(folder_.path(), Split::test, part, 3), config_, always);
  }
  EXPECT_EQ(sum.samples, whole.samples);
  EXPECT_EQ(sum.correct, whole.correct);
  EXPECT_NEAR(sum.loss_sum, whole.loss_sum, 1e-4);
}

TEST_F(EvaluationTest, DoesNotDependOnTheSizeOfThePasses) {
  const IdxDataset data = IdxDataset::load(folder_.path(), Split::test);
  const Score eights = evaluate(*model_, data, config_, always);
  config_.trainer.test_batch_size = 5000;
  const Score whole = evaluate(*model_, data, config_, always);
  EXPECT_EQ(whole.correct, eights.correct);
  EXPECT_NEAR(whole.loss_sum, eights.loss_sum, 1e-4);
}

TEST_F(EvaluationTest, IsRepeatable) {
  const IdxDataset data = IdxDataset::load(folder_.path(), Split::test);
  EXPECT_EQ(evaluate(*model_, data, config_, always).loss_sum, evaluate(*model_, data, config_, always).loss_sum);
}

TEST_F(EvaluationTest, StopsBetweenBatchesWhenAsked) {
  int asked = 0;
  const Score score =
      evaluate(*model_, IdxDataset::load(folder_.path(), Split::test), config_, [&] { return ++asked <= 2; });
  EXPECT_EQ(score.samples, 2 * config_.trainer.test_batch_size);
}

TEST(Score, OfNoSamplesIsZero) {
  EXPECT_EQ(Score().loss(), 0);
  EXPECT_EQ(Score().accuracy(), 0);
}

}  // namespace
}  // namespace runnel
