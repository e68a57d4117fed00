// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/gradient_computer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "tests/trainer/idx_files.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;

class GradientComputerTest : public testing::Test {
 protected:
  GradientComputerTest() {
    config_.trainer.batch_size = 4;
    write_initial_parameters(config_.model, *model_, layout_, parameters_);
  }

  /// The gradient of `step`, computed by a computer that has made the steps `before` first.
  std::vector<float> gradient(std::int64_t step, std::uint64_t trainer, const std::vector<std::int64_t>& before = {}) {
    std::vector<float> gradients(layout_.float_count(), 7.0F);
    const TensorArena arena(layout_, gradients);
    GradientComputer computer(*model_, data_, plan_, config_, trainer);
    for (const std::int64_t earlier : before) {
      computer.compute(earlier, parameter_arena_, arena);
    }
    last_result_ = computer.compute(step, parameter_arena_, arena);
    return gradients;
  }

  static IdxDataset load_data() {
    const TemporaryFolder folder;
    write_idx_folder(folder.path(), 10, 1);
    return IdxDataset::load(folder.path(), Split::train);
  }

  Config config_;
  IdxDataset data_ = load_data();
  RunPlan plan_{{.samples = 28, .trainers = 2, .batch_size = 4, .max_epochs = 3}};  // four steps an epoch
  std::unique_ptr<Model> model_ = make_model(config_.model, 1);
  BucketLayout layout_{model_->shapes(), kBlockBytes};
  std::vector<float> parameters_ = std::vector<float>(layout_.float_count());
  TensorArena parameter_arena_{layout_, parameters_};
  GradientComputer::Result last_result_;
};

TEST_F(GradientComputerTest, AStepMadeAgainGivesTheSameBits) {
  const auto first = gradient(2, 0);
  const double loss = last_result_.loss;
  EXPECT_EQ(gradient(2, 0), first);
  EXPECT_EQ(gradient(2, 0, {0, 1, 5}), first);
  EXPECT_EQ(last_result_.loss, loss);
}

TEST_F(GradientComputerTest, StepsAndTrainersDrawDifferentDropout) {
  config_.data.shuffle = false;  // so that only dropout can differ
  EXPECT_NE(gradient(0, 0), gradient(4, 0));
  EXPECT_NE(gradient(0, 0), gradient(0, 1));
}

TEST_F(GradientComputerTest, WithoutRandomnessEpochsAreAlike) {
  config_.data.shuffle = false;
  config_.model.dropout = {0, 0};
  model_ = make_model(config_.model, 1);
  EXPECT_EQ(gradient(0, 0), gradient(4, 1));
  EXPECT_NE(gradient(0, 0), gradient(1, 0));
}

TEST_F(GradientComputerTest, BatchesShrinkAtTheEndOfTheShare) {
  gradient(0, 0);
  EXPECT_EQ(last_result_.images, 4);
  EXPECT_GT(last_result_.loss, 0);
  gradient(2, 0);
  EXPECT_EQ(last_result_.images, 2);
}

TEST_F(GradientComputerTest, AnEmptyBatchContributesZeros) {
  const auto zeros = gradient(3, 0);
  EXPECT_EQ(last_result_.images, 0);
  EXPECT_EQ(last_result_.loss, 0);
  EXPECT_TRUE(std::all_of(zeros.begin(), zeros.end(), [](float value) { return value == 0; }));
}

}  // namespace
}  // namespace runnel
