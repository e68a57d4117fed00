// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/gradient_computer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class GradientComputerTest : public testing::Test {
 protected:
  GradientComputerTest() {
    config_.trainer.batch_size = 4;
    write_initial_parameters(model_.tensors(), layout_, parameters_);
  }

  /// The gradient of `step`, computed by a computer that has made the steps `before` first.
  std::vector<float> gradient(std::int64_t step, std::uint64_t trainer, const std::vector<std::int64_t>& before = {}) {
    return gradient_of(model_, step, trainer, before);
  }

  std::vector<float> gradient_of(TrainedModel& model, std::int64_t step, std::uint64_t trainer,
                                 const std::vector<std::int64_t>& before = {}) {
    std::vector<float> gradients(layout_.float_count(), kStale);
    const TensorArena arena(layout_, gradients);
    TrainingBatches batches(data_, plan_, config_, {.first = trainer}, c10::kCPU);
    GradientComputer computer(model, batches, config_, trainer);
    for (const std::int64_t earlier : before) {
      computer.compute(earlier, parameter_arena_, arena);
    }
    last_result_ = computer.compute(step, parameter_arena_, arena);
    return gradients;
  }

  static IdxDataset load_data() {
    const TemporaryFolder folder;
    write_idx_folder(folder.path(), 20, 1);  // ten for each of two trainers
    return IdxDataset({.folder = folder.path(), .split = Split::train});
  }

  static constexpr float kStale = 7.0F;  // what is in the memory of a gradient before

  Config config_;
  IdxDataset data_ = load_data();
  RunPlan plan_{{.samples = 28, .seats = 2, .batch_size = 4, .max_epochs = 3}};  // four steps an epoch
  KernelChoice kernels_{KernelSet::own};
  TrainedModel model_ = Registry().make_model(config_);
  BucketLayout layout_{model_.tensors().shapes(), kBlockBytes};
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
  config_.data.shuffle = Shuffle::no;  // so that only dropout can differ
  EXPECT_NE(gradient(0, 0), gradient(4, 0));
  EXPECT_NE(gradient(0, 0), gradient(0, 1));
}

TEST_F(GradientComputerTest, WithoutRandomnessEpochsAreAlike) {
  config_.data.shuffle = Shuffle::no;
  config_.model = parse_config("[model]\noptions = { dropout = [0.0, 0.0] }", "test.toml").model;
  TrainedModel model = Registry().make_model(config_);
  EXPECT_EQ(gradient_of(model, 0, 0), gradient_of(model, 4, 0));
  EXPECT_NE(gradient_of(model, 0, 0), gradient_of(model, 1, 0));
}

TEST_F(GradientComputerTest, BatchesShrinkAtTheEndOfTheShare) {
  gradient(0, 0);
  EXPECT_EQ(last_result_.samples, 4);
  EXPECT_GT(last_result_.loss, 0);
  gradient(2, 0);
  EXPECT_EQ(last_result_.samples, 2);
}

TEST_F(GradientComputerTest, AnEmptyBatchContributesZeros) {
  const auto zeros = gradient(3, 0);
  EXPECT_EQ(last_result_.samples, 0);
  EXPECT_EQ(last_result_.loss, 0);
  EXPECT_TRUE(std::all_of(zeros.begin(), zeros.end(), [](float value) { return value == 0; }));
}

/// Sees what is in the memory of the gradients at each call.
struct RecordingObserver : PassObserver {
  RecordingObserver(const BucketLayout& of_layout, const std::vector<float>& of_gradients)
      : layout(of_layout), gradients(of_gradients), when_ready(of_layout.float_count()), at_last_use(of_gradients) {}

  void before_use(std::size_t tensor) override {
    used.push_back(tensor);
    at_last_use = gradients;
    threads.insert(std::this_thread::get_id());
  }

  void gradient_ready(std::size_t tensor) override {
    ready.push_back(tensor);
    const ByteRange bytes = layout.tensors()[tensor].bytes;
    std::memcpy(reinterpret_cast<std::byte*>(when_ready.data()) + bytes.begin,
                reinterpret_cast<const std::byte*>(gradients.data()) + bytes.begin, bytes.size());
    threads.insert(std::this_thread::get_id());
  }

  const BucketLayout& layout;
  const std::vector<float>& gradients;
  std::vector<std::size_t> used;
  std::vector<std::size_t> ready;
  std::vector<float> when_ready;   // each tensor when it was said to be ready
  std::vector<float> at_last_use;  // all of them when before_use was called last
  std::set<std::thread::id> threads;
};

class ObservedStepTest : public GradientComputerTest, public testing::WithParamInterface<std::int64_t> {
 protected:
  std::vector<float> gradients_ = std::vector<float>(layout_.float_count(), kStale);
  TensorArena arena_{layout_, gradients_};
  TrainingBatches batches_{data_, plan_, config_, {}, c10::kCPU};
  GradientComputer computer_{model_, batches_, config_, 0};
};

TEST_P(ObservedStepTest, HearsOfEachTensorOnceInTheOrderOfThePasses) {
  RecordingObserver observer(layout_, gradients_);
  computer_.compute(GetParam(), parameter_arena_, arena_, &observer);
  EXPECT_THAT(observer.used, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(observer.ready, UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  // Weight and bias of a layer may come in any order.
  std::vector<std::size_t> layers;
  for (const std::size_t tensor : observer.ready) {
    layers.push_back(tensor / 2);
  }
  EXPECT_THAT(layers, ElementsAre(3, 3, 2, 2, 1, 1, 0, 0));
  EXPECT_THAT(observer.threads, ElementsAre(std::this_thread::get_id()));
}

TEST_P(ObservedStepTest, GradientsAreFinalWhenTheyAreReadyAndUntouchedBeforeAllParametersAreThere) {
  const std::vector<float> stale = gradients_;
  RecordingObserver observer(layout_, gradients_);
  computer_.compute(GetParam(), parameter_arena_, arena_, &observer);
  EXPECT_EQ(observer.when_ready, gradients_);
  EXPECT_EQ(observer.at_last_use, stale);
}

TEST_P(ObservedStepTest, AnObserverChangesNoBitAndIsForgotten) {
  RecordingObserver observer(layout_, gradients_);
  computer_.compute(GetParam(), parameter_arena_, arena_, &observer);
  EXPECT_EQ(gradients_, gradient(GetParam(), 0));
  EXPECT_EQ(observer.used.size(), 8U);
}

TEST_F(GradientComputerTest, NoGradientOfTheNetworkIsMadeTwice) {
  gradient(0, 0);
  EXPECT_EQ(last_result_.staged_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(FullAndEmptyBatch, ObservedStepTest, testing::Values(0, 3));

/// Throws at one of the calls.
class ThrowingObserver : public PassObserver {
 public:
  explicit ThrowingObserver(std::size_t call) : left_(call) {}

  void before_use(std::size_t) override { count(); }
  void gradient_ready(std::size_t) override { count(); }

 private:
  void count() {
    if (left_-- == 0) throw RunError(ExitStatus::peer_lost, "the generator is gone");
  }

  std::size_t left_;
};

TEST_F(GradientComputerTest, WhatAnObserverThrowsEndsTheStepUnchanged) {
  std::vector<float> gradients(layout_.float_count());
  const TensorArena arena(layout_, gradients);
  TrainingBatches batches(data_, plan_, config_, {}, c10::kCPU);
  GradientComputer computer(model_, batches, config_, 0);
  constexpr std::size_t kCalls = 16;
  for (std::size_t call = 0; call < kCalls; ++call) {
    ThrowingObserver observer(call);
    try {
      computer.compute(0, parameter_arena_, arena, &observer);
      ADD_FAILURE() << "call " << call << " threw nothing";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::peer_lost);
      EXPECT_STREQ(error.what(), "the generator is gone");
    }
  }
  computer.compute(0, parameter_arena_, arena);
  EXPECT_EQ(gradients, gradient(0, 0));
}

}  // namespace
}  // namespace runnel
