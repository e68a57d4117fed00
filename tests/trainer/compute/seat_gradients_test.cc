// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/seat_gradients.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <thread>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using Floats = std::vector<float>;

class SeatGradientsTest : public testing::Test {
 protected:
  SeatGradientsTest() {
    config_.trainer.seats = kSeats;
    config_.trainer.batch_size = 4;
    write_initial_parameters(model_.tensors(), layout_, parameters_);
  }

  RunPlan plan() const { return RunPlan(config_, kSamples); }

  /// What trainer `trainer` of `trainers` makes of `step`: the gradient goes to `gradients_`.
  SeatGradients::Result compute(std::size_t trainers, std::size_t trainer, std::int64_t step) {
    config_.trainer.count = static_cast<std::int64_t>(trainers);
    SeatGradients part(model_, data_, plan(), layout_, config_, trainer);
    gradients_.assign(layout_.float_count(), 7.0F);
    return part.compute(step, parameter_arena_, TensorArena(layout_, gradients_));
  }

  /// What seat `index` has to make of `step`.
  GradientComputer::Result compute_one(std::size_t index, std::int64_t step) {
    TrainingBatches batches(data_, plan(), config_, {.first = index}, c10::kCPU);
    GradientComputer computer(model_, batches, config_, index);
    gradients_.assign(layout_.float_count(), 7.0F);
    return computer.compute(step, parameter_arena_, TensorArena(layout_, gradients_));
  }

  static constexpr std::size_t kSeats = 8;
  static constexpr std::uint32_t kSamples = 67;  // three shares of 9 samples and five of 8: three steps, or two

  static IdxDataset load() {
    const test::TemporaryFolder folder;
    test::write_idx_folder(folder.path(), kSamples, 1);
    return IdxDataset({.folder = folder.path(), .split = Split::train});
  }

  Config config_;
  IdxDataset data_ = load();
  KernelChoice kernels_{KernelSet::own};
  TrainedModel model_ = Registry().make_model(config_);
  BucketLayout layout_{model_.tensors().shapes(), kBlockBytes};
  Floats parameters_ = Floats(layout_.float_count());
  TensorArena parameter_arena_{layout_, parameters_};
  Floats gradients_;
};

/// The tree by its definition, over `seats` of `leaves`.
float tree_sum(const std::vector<Floats>& leaves, std::size_t element, SeatRange seats) {
  if (seats.count == 1) return leaves[seats.first][element];
  std::size_t left = 1;
  while (2 * left < seats.count) left *= 2;
  const float sum = tree_sum(leaves, element, {seats.first, left});
  return sum + tree_sum(leaves, element, {seats.first + left, seats.count - left});
}

TEST_F(SeatGradientsTest, EveryTrainerSumsItsSubtree) {
  for (const auto& [seats, step] : std::vector<std::pair<std::size_t, std::int64_t>>{
           {8, 0}, {8, 2}, {8, 4}, {3, 1}, {7, 2}}) {  // of 8 seats the last of an epoch, 2, has empty batches
    config_.trainer.seats = static_cast<std::int64_t>(seats);
    std::vector<Floats> leaves;
    for (std::size_t i = 0; i < seats; ++i) {
      compute_one(i, step);
      leaves.push_back(gradients_);
    }
    for (std::size_t trainers = 1; trainers <= seats; trainers += trainers % 3) {
      const std::vector<SeatRange> shares = deal_seats(seats, trainers);
      for (std::size_t trainer = 0; trainer < trainers; ++trainer) {
        compute(trainers, trainer, step);
        for (std::size_t i = 0; i < gradients_.size(); ++i) {
          ASSERT_EQ(gradients_[i], tree_sum(leaves, i, shares[trainer]))
              << seats << " seats, step " << step << ", trainer " << trainer << " of " << trainers << ", element " << i;
        }
      }
    }
  }
}

TEST_F(SeatGradientsTest, TellsTheMeanLossOfBatchesThatAreNotEmpty) {
  double loss = 0;
  for (const std::size_t i : {0, 1, 2}) loss += compute_one(i, 2).loss;  // the shares of 9 samples
  const auto of_all = compute(1, 0, 2);
  EXPECT_EQ(of_all.batches, 3);
  EXPECT_EQ(of_all.samples, 3);
  EXPECT_DOUBLE_EQ(of_all.loss, loss / 3);
  EXPECT_EQ(of_all.staged_bytes, 0U);

  const auto of_the_second_half = compute(2, 1, 2);
  EXPECT_EQ(of_the_second_half.batches, 0);
  EXPECT_EQ(of_the_second_half.samples, 0);
  EXPECT_EQ(of_the_second_half.loss, 0);
}

TEST_F(SeatGradientsTest, AStepMadeAgainGivesTheSameBits) {
  config_.trainer.count = 2;
  SeatGradients part(model_, data_, plan(), layout_, config_, 1);
  Floats again(layout_.float_count());
  const TensorArena arena(layout_, again);
  part.compute(0, parameter_arena_, arena);
  part.compute(4, parameter_arena_, arena);
  part.compute(0, parameter_arena_, arena);
  compute(2, 1, 0);
  EXPECT_EQ(again, gradients_);
}

TEST_F(SeatGradientsTest, ReadingAheadChangesNoBit) {
  std::vector<Floats> expected;
  for (const std::int64_t prefetch : {0, 1, 2, 8}) {
    config_.data.prefetch = prefetch;
    config_.trainer.count = 2;
    SeatGradients part(model_, data_, plan(), layout_, config_, 1);
    for (std::size_t step = 0; step < 5; ++step) {
      gradients_.assign(layout_.float_count(), 7.0F);
      part.compute(static_cast<std::int64_t>(step), parameter_arena_, TensorArena(layout_, gradients_));
      if (prefetch == 0) expected.push_back(gradients_);
      EXPECT_EQ(gradients_, expected[step]) << "prefetch " << prefetch << ", step " << step;
    }
  }
}

/// How many batches were begun to be read, and how many passes were begun.
struct Begun {
  std::atomic<int> reads = 0;
  std::atomic<int> passes = 0;

  /// Waits until `count` is `least`; the test fails if that does not come.
  static void await(const std::atomic<int>& count, int least) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (count < least && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    EXPECT_GE(count, least) << "reading and computing do not overlap";
  }
};

/// A batch is not read to its end before the pass over the one before has begun.
class ReadDuringPasses final : public Dataset {
 public:
  ReadDuringPasses(const IdxDataset& data, Begun& begun) : data_(data), begun_(begun) {}

  std::int64_t size() const override { return data_.size(); }
  const std::vector<Field>& fields() const override { return data_.fields(); }

  void read(std::span<const std::uint32_t> samples, Batch& batch) const override {
    Begun::await(begun_.passes, begun_.reads++);
    data_.read(samples, batch);
  }

 private:
  const IdxDataset& data_;
  Begun& begun_;
};

/// A pass does not go on before the next batch is being read.
class PassDuringReads final : public PassObserver {
 public:
  explicit PassDuringReads(Begun& begun) : begun_(begun) {}

  void before_use(std::size_t tensor) override {
    if (tensor == 0) Begun::await(begun_.reads, ++begun_.passes + 1);
  }
  void gradient_ready(std::size_t) override {}

 private:
  Begun& begun_;
};

TEST_F(SeatGradientsTest, ABatchIsReadWhileTheOneBeforeIsComputed) {
  config_.trainer.seats = 0;
  config_.trainer.count = 1;
  config_.data.prefetch = 1;
  Begun begun;
  const ReadDuringPasses data(data_, begun);
  PassDuringReads observer(begun);
  gradients_.resize(layout_.float_count());
  const TensorArena arena(layout_, gradients_);
  SeatGradients part(model_, data, plan(), layout_, config_, 0);
  for (std::int64_t step = 0; step < 5; ++step) part.compute(step, parameter_arena_, arena, &observer);
}

/// Writes down what it hears, and the first element of a gradient at that time.
class Listener final : public PassObserver {
 public:
  explicit Listener(const TensorArena& gradients) : gradients_(gradients) {}

  void before_use(std::size_t tensor) override {
    EXPECT_TRUE(ready.empty()) << "a parameter is needed after a gradient was final";
    used.insert(tensor);
    ++uses;
  }
  void gradient_ready(std::size_t tensor) override {
    EXPECT_TRUE(ready.emplace(tensor, *gradients_.tensors()[tensor].const_data_ptr<float>()).second) << tensor;
  }

  std::set<std::size_t> used;
  std::size_t uses = 0;
  std::map<std::size_t, float> ready;

 private:
  const TensorArena& gradients_;
};

TEST_F(SeatGradientsTest, AnObserverHearsOfEachTensorOnceAndOfSums) {
  for (const std::int64_t count : {8, 4, 1}) {
    config_.trainer.count = count;
    for (const std::int64_t step : {0, 2}) {  // in the second half, 2 has only empty batches
      for (const std::size_t trainer : {std::size_t{0}, static_cast<std::size_t>(count - 1)}) {
        SeatGradients part(model_, data_, plan(), layout_, config_, trainer);
        Floats sum(layout_.float_count());
        const TensorArena arena(layout_, sum);
        Listener listener(arena);
        part.compute(step, parameter_arena_, arena, &listener);
        EXPECT_EQ(listener.uses, arena.tensors().size());
        EXPECT_EQ(listener.used.size(), arena.tensors().size());
        ASSERT_EQ(listener.ready.size(), arena.tensors().size());
        for (const auto& [tensor, value] : listener.ready) {
          EXPECT_EQ(value, *arena.tensors()[tensor].const_data_ptr<float>()) << "changed after it was final";
        }
      }
    }
  }
}

TEST_F(SeatGradientsTest, WithoutThemATrainerIsOne) {
  config_.trainer.seats = 0;
  compute(kSeats, 5, 1);
  const Floats found = gradients_;
  compute_one(5, 1);
  EXPECT_EQ(found, gradients_);
}

}  // namespace
}  // namespace runnel
