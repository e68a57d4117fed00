// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/compute/gradient_computer.h"
#include "trainer/compute/virtual_trainers.h"
#include "trainer/model/initial_parameters.h"

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
  explicit SometimesBiased(std::vector<Model::Parameter> parameters) : Model(std::move(parameters)) {}

  at::Tensor forward(const at::Tensor& images, bool) override {
    torch::Tensor x = torch::mm(images.flatten(1), use(kWeight).t());
    x = x * use(kScale);
    if (passes++ % 2 == 0) x = x + use(kBias);
    return torch::log_softmax(x * use(kScale), 1);
  }

  int passes = 0;
};

std::vector<Model::Parameter> initial_parameters() {
  torch::manual_seed(3);
  return {{"weight", torch::randn({10, 784}).mul_(0.01).requires_grad_()},
          {"bias", torch::randn({10}).requires_grad_()},
          {"never_used", torch::randn({5}).requires_grad_()},
          {"scale", torch::randn({10}).requires_grad_()}};
}

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
    config_.data.shuffle = false;
    write_initial_parameters(config_.model, model_, layout_, parameters_);
  }

  static std::vector<IdxDataset> load_data() {
    const TemporaryFolder folder;
    write_idx_folder(folder.path(), 12, 1);
    std::vector<IdxDataset> shares;
    for (std::size_t share = 0; share < 2; ++share) shares.push_back(IdxDataset::load(folder.path(), Split::train));
    return shares;
  }

  /// LibTorch's gradient of one batch, with zeros for what autograd leaves undefined.
  std::vector<float> torch_gradient(std::int64_t step, int pass) {
    SometimesBiased model(initial_parameters());
    model.passes = pass;
    std::vector<std::uint32_t> samples = {0, 1, 2, 3};
    for (std::uint32_t& sample : samples) sample += static_cast<std::uint32_t>(4 * step);
    BatchBuilder builder(data_[0], 4, config_.data.normalize, model.device());
    const Batch batch = builder.build(samples);
    torch::nll_loss(model.forward(batch.images, true), batch.labels).backward();
    std::vector<torch::Tensor> flat;
    for (const Model::Parameter& parameter : model.parameters()) {
      const torch::Tensor& gradient = parameter.tensor.grad();
      flat.push_back((gradient.defined() ? gradient : torch::zeros_like(parameter.tensor)).flatten());
    }
    const torch::Tensor all = torch::cat(flat);
    return {all.data_ptr<float>(), all.data_ptr<float>() + all.numel()};
  }

  Config config_;
  std::vector<IdxDataset> data_ = load_data();
  RunPlan plan_{{.samples = 12, .trainers = 1, .batch_size = 4, .max_epochs = 1}};
  SometimesBiased model_{initial_parameters()};
  BucketLayout layout_{model_.shapes(), kBlockBytes};
  std::vector<float> parameters_ = std::vector<float>(layout_.float_count());
  TensorArena parameter_arena_{layout_, parameters_};
};

TEST_F(UnusedParameterTest, TheGradientOfAnOlderStepDoesNotStay) {
  std::vector<float> gradients(layout_.float_count(), 7.0F);
  const TensorArena arena(layout_, gradients);
  GradientComputer computer(model_, data_[0], plan_, config_, 0);
  for (int step = 0; step < 3; ++step) {
    computer.compute(step, parameter_arena_, arena);
    EXPECT_EQ(gradients, torch_gradient(step, step)) << "step " << step;
  }
}

TEST_F(UnusedParameterTest, TheObserverGetsOneCallOfEachKindForEveryTensor) {
  std::vector<float> gradients(layout_.float_count());
  const TensorArena arena(layout_, gradients);
  GradientComputer computer(model_, data_[0], plan_, config_, 0);
  model_.passes = 1;  // without the bias
  OrderObserver observer;
  computer.compute(0, parameter_arena_, arena, &observer);
  EXPECT_THAT(observer.used, ElementsAre(kWeight, kScale, kBias, kNeverUsed));
  ASSERT_EQ(observer.ready.size(), 4U);
  EXPECT_THAT(std::vector(observer.ready.end() - 2, observer.ready.end()), ElementsAre(kNeverUsed, kBias));
}

TEST_F(UnusedParameterTest, NoOldGradientEntersTheSumOfVirtualTrainers) {
  config_.trainer.count = 1;
  config_.trainer.virtual_count = 2;
  std::vector<float> gradients(layout_.float_count(), 7.0F);
  const TensorArena arena(layout_, gradients);
  VirtualTrainers trainers(model_, data_, plan_, layout_, config_, 0);
  for (int step = 0; step < 2; ++step) {
    model_.passes = step;
    trainers.compute(step, parameter_arena_, arena);
    const std::vector<float> first = torch_gradient(step, step);
    const std::vector<float> second = torch_gradient(step, step + 1);
    for (std::size_t i = 0; i < gradients.size(); ++i) ASSERT_EQ(gradients[i], first[i] + second[i]) << "float " << i;
  }
}

}  // namespace
}  // namespace runnel
