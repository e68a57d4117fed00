// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <cstddef>
#include <string>

#include "runtime/base/run_error.h"
#include "trainer/model/mnist_networks.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using testing::ElementsAre;

at::Tensor output(TrainedModel& model, const at::Tensor& images, bool training) {
  model.model().set_training(training);
  return model.model().forward({{images}})[0];
}

TEST(MnistCnn, HasTheTensorsOfTheReferenceWorkflow) {
  TrainedModel model = Registry().make_model({});
  std::vector<std::string> names;
  for (const auto& tensor : model.tensors().shapes()) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias",
                                 "fc2.weight", "fc2.bias"));
  EXPECT_EQ(BucketLayout(model.tensors().shapes(), kBlockBytes).bytes(), 4'799'528U);
  for (const NamedTensor& parameter : model.tensors().trained()) {
    EXPECT_TRUE(parameter.tensor.requires_grad() && parameter.tensor.is_leaf()) << parameter.name;
  }
}

TEST(MnistCnn, ForwardGivesLogProbabilities) {
  TrainedModel model = Registry().make_model({});
  const at::Tensor out = output(model, at::randn({3, 1, 28, 28}), false);
  EXPECT_THAT(out.sizes(), ElementsAre(3, 10));
  EXPECT_TRUE(out.exp().sum(1).allclose(at::ones({3})));
}

TEST(MnistCnn, DropsOutOnlyInTraining) {
  TrainedModel model = Registry().make_model({});
  const at::Tensor images = at::randn({3, 1, 28, 28});
  EXPECT_TRUE(output(model, images, false).equal(output(model, images, false)));
  EXPECT_FALSE(output(model, images, true).equal(output(model, images, true)));
}

Config mlp(const std::string& dropout, std::int64_t seed) {
  return parse_config(
      "[model]\nname = \"mnist-mlp\"\noptions = { dropout = " + dropout + " }\n[run]\nseed = " + std::to_string(seed),
      "test.toml");
}

TEST(MnistMlp, HasThirtyMillionParameters) {
  TrainedModel model = Registry().make_model(mlp("[0.25, 0.5]", 1));
  std::vector<std::string> names;
  for (const auto& tensor : model.tensors().shapes()) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"));
  EXPECT_EQ(BucketLayout(model.tensors().shapes(), kBlockBytes).bytes(), 4 * 30'289'930U);
}

TEST(MnistMlp, ComputesAsTheModulesOfLibTorch) {
  TrainedModel model = Registry().make_model(mlp("[0.0, 0.0]", 5));
  at::manual_seed(5);
  torch::nn::Linear fc1(784, 5120);
  torch::nn::Linear fc2(5120, 5120);
  torch::nn::Linear fc3(5120, 10);
  const at::Tensor images = at::randn({2, 1, 28, 28});
  const at::Tensor hidden = fc2(fc1(images.flatten(1)).relu()).relu();
  const at::Tensor expected = at::log_softmax(fc3(hidden), 1);
  const at::Tensor found = output(model, images, true);
  EXPECT_TRUE(found.equal(expected));
  expected.select(1, 3).sum().backward();
  found.select(1, 3).sum().backward();
  std::size_t parameter = 0;
  for (const at::Tensor& of_module : {fc1->weight, fc1->bias, fc2->weight, fc2->bias, fc3->weight, fc3->bias}) {
    EXPECT_TRUE(model.tensors().trained()[parameter].tensor.grad().equal(of_module.grad())) << parameter;
    ++parameter;
  }
}

TEST(MnistMlp, DropsOutBehindBothLayers) {
  const at::Tensor images = at::randn({3, 1, 28, 28});
  for (const char* dropout : {"[0.5, 0.0]", "[0.0, 0.5]"}) {
    TrainedModel model = Registry().make_model(mlp(dropout, 1));
    EXPECT_TRUE(output(model, images, false).equal(output(model, images, false)));
    EXPECT_FALSE(output(model, images, true).equal(output(model, images, true)));
  }
}

TEST(MakeModel, SameSeedSameValues) {
  const auto values = [](std::int64_t seed) {
    Config config;
    config.run.seed = seed;
    const TrainedModel model = Registry().make_model(config);
    return model.tensors().trained()[4].tensor;
  };
  EXPECT_TRUE(values(3).equal(values(3)));
  EXPECT_FALSE(values(3).equal(values(4)));
}

}  // namespace
}  // namespace runnel
