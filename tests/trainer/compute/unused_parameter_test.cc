// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/compute/gradient_computer.h"
#include "trainer/compute/seat_gradients.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/run/registry.h"
#include "transport/log.h"

// Parameters that take no part in some passes, against LibTorch's autograd.
namespace runnel {
namespace {

using test::TemporaryFolder;
using test::write_idx_folder;
using testing::ElementsAre;

enum Tensor : std::size_t { kWeight, kBias, kNeverUsed, kScale };

/// A linear layer whose bias takes part in every second pass only. Its scale is used twice in a pass.
class SometimesBiased final : public Model {
 public:
  SometimesBiased() {
    at::manual_seed(3);
    tensors_ = {{"weight", at::randn({10, 784}).mul_(0.01).requires_grad_()},
                {"bias", at::randn({10}).requires_grad_()},
                {"never_used", at::randn({5}).requires_grad_()},
                {"scale", at::randn({10}).requires_grad_()}};
  }

  std::vector<NamedTensor> parameters() override { return tensors_; }
  void set_training(bool) override {}

  std::vector<at::Tensor> forward(const Batch& batch) override {
    at::Tensor x = at::mm(batch.fields[0].flatten(1), tensors_[kWeight].tensor.t());
    x = x * tensors_[kScale].tensor;
    if (passes++ % 2 == 0) x = x + tensors_[kBias].tensor;
    return {at::log_softmax(x * tensors_[kScale].tensor, 1)};
  }

  int passes = 0;

 private:
  std::vector<NamedTensor> tensors_;
};

struct OrderObserver final : PassObserver {
  void before_use(std::size_t tensor) override {
    EXPECT_TRUE(ready.empty()) << "tensor " << tensor << " is reported after a gradient was";
    used.push_back(tensor);
  }
  void gradient_ready(std::size_t tensor) override { ready.push_back(tensor); }

  std::vector<std::size_t> used;
  std::vector<std::size_t> ready;
};

class UnusedParameterTest : public testing::Test {
 protected:
  UnusedParameterTest() {
    config_.trainer.batch_size = 4;
    config_.data.shuffle = Shuffle::no;
    config_.trainer.count = 1;
    write_initial_parameters(model_.tensors(), layout_, parameters_);
  }

  static IdxDataset load_data() {
    const TemporaryFolder folder;
    write_idx_folder(folder.path(), 12, 1);
    return IdxDataset({.folder = folder.path(), .split = Split::train});
  }

  /// LibTorch's gradient of the four samples from `first` on, with zeros for what autograd leaves undefined.
  std::vector<float> torch_gradient(std::uint32_t first, int pass) {
    SometimesBiased model;
    model.passes = pass;
    const std::vector<std::uint32_t> samples = {first, first + 1, first + 2, first + 3};
    BatchBuilder builder(data_, 4, c10::kCPU);
    const Batch batch = builder.build({.samples = samples});
    at::nll_loss(model.forward(batch)[0], batch.target()).backward();
    std::vector<at::Tensor> flat;
    for (const NamedTensor& parameter : model.parameters()) {
      const at::Tensor& gradient = parameter.tensor.grad();
      flat.push_back((gradient.defined() ? gradient : at::zeros_like(parameter.tensor)).flatten());
    }
    const at::Tensor all = at::cat(flat);
    return {all.data_ptr<float>(), all.data_ptr<float>() + all.numel()};
  }

  static std::unique_ptr<SometimesBiased> keep(SometimesBiased*& model) {
    auto made = std::make_unique<SometimesBiased>();
    model = made.get();
    return made;
  }

  Config config_;
  IdxDataset data_ = load_data();
  RunPlan plan_{{.samples = 12, .seats = 1, .batch_size = 4, .max_epochs = 1}};
  SometimesBiased* network_ = nullptr;
  TrainedModel model_{keep(network_), Registry().make_objective(config_), c10::kCPU, /*exchanges_buffers=*/true};
  BucketLayout layout_{model_.tensors().shapes(), kBlockBytes};
  std::vector<float> parameters_ = std::vector<float>(layout_.float_count());
  TensorArena parameter_arena_{layout_, parameters_};
};

TEST_F(UnusedParameterTest, TheGradientOfAnOlderStepDoesNotStay) {
  std::vector<float> gradients(layout_.float_count(), 7.0F);
  const TensorArena arena(layout_, gradients);
  TrainingBatches batches(data_, plan_, config_, {}, c10::kCPU);
  GradientComputer computer(model_, batches, config_, 0);
  for (int step = 0; step < 3; ++step) {
    computer.compute(step, parameter_arena_, arena);
    EXPECT_EQ(gradients, torch_gradient(4 * static_cast<std::uint32_t>(step), step)) << "step " << step;
  }
}

TEST_F(UnusedParameterTest, TheObserverGetsOneCallOfEachKindForEveryTensor) {
  std::vector<float> gradients(layout_.float_count());
  const TensorArena arena(layout_, gradients);
  TrainingBatches batches(data_, plan_, config_, {}, c10::kCPU);
  GradientComputer computer(model_, batches, config_, 0);
  network_->passes = 1;  // without the bias
  OrderObserver observer;
  computer.compute(0, parameter_arena_, arena, &observer);
  EXPECT_THAT(observer.used, ElementsAre(kWeight, kScale, kBias, kNeverUsed));
  ASSERT_EQ(observer.ready.size(), 4U);
  EXPECT_THAT(std::vector(observer.ready.end() - 2, observer.ready.end()), ElementsAre(kNeverUsed, kBias));
}

TEST_F(UnusedParameterTest, IsNamedOnceByTheFirstTrainer) {
  std::vector<std::string> lines;
  capture_log([&](std::string_view line) { lines.emplace_back(line); });
  std::vector<float> gradients(layout_.float_count());
  const TensorArena arena(layout_, gradients);
  config_.trainer.count = 2;
  for (const std::uint64_t trainer : {0, 1}) {
    TrainingBatches batches(data_, plan_, config_, {.first = trainer}, c10::kCPU);
    GradientComputer computer(model_, batches, config_, trainer);
    for (int step = 0; step < 2; ++step) computer.compute(step, parameter_arena_, arena);
  }
  capture_log({});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines.front(), testing::HasSubstr("do not use never_used: "));
}

TEST_F(UnusedParameterTest, NoOldGradientEntersTheSumOfSeatGradients) {
  config_.trainer.count = 1;
  config_.trainer.seats = 2;
  std::vector<float> gradients(layout_.float_count(), 7.0F);
  const TensorArena arena(layout_, gradients);
  SeatGradients trainers(model_, data_, RunPlan(config_, 12), layout_, config_, 0);
  network_->passes = 1;  // the first without the bias, the second with it
  trainers.compute(0, parameter_arena_, arena);
  const std::vector<float> first = torch_gradient(0, 1);
  const std::vector<float> second = torch_gradient(6, 2);
  for (std::size_t i = 0; i < gradients.size(); ++i) ASSERT_EQ(gradients[i], first[i] + second[i]) << "float " << i;
  trainers.compute(0, parameter_arena_, arena);  // the reverse
  const std::vector<float> third = torch_gradient(6, 4);
  for (std::size_t i = 0; i < gradients.size(); ++i) ASSERT_EQ(gradients[i], first[i] + third[i]) << "float " << i;
}

}  // namespace
}  // namespace runnel
