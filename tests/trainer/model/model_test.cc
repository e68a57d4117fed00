// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/model.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/modules/linear.h>

#include <array>
#include <cstddef>
#include <memory>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

using testing::ElementsAre;

TEST(MnistCnn, HasTheTensorsOfTheReferenceWorkflow) {
  const auto model = make_model({}, 1);
  std::vector<std::string> names;
  for (const auto& [name, shape] : model->shapes()) {
    names.push_back(name);
  }
  EXPECT_THAT(names, ElementsAre("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc1.weight", "fc1.bias",
                                 "fc2.weight", "fc2.bias"));
  EXPECT_EQ(BucketLayout(model->shapes(), kBlockBytes).bytes(), 4'799'528U);
  for (const Model::Parameter& parameter : model->parameters()) {
    EXPECT_TRUE(parameter.tensor.requires_grad() && parameter.tensor.is_leaf()) << parameter.name;
  }
}

TEST(MnistCnn, ForwardGivesLogProbabilities) {
  const auto model = make_model({}, 1);
  const at::Tensor out = model->forward(at::randn({3, 1, 28, 28}), /*training=*/false);
  EXPECT_THAT(out.sizes(), ElementsAre(3, 10));
  EXPECT_TRUE(out.exp().sum(1).allclose(at::ones({3})));
}

TEST(MnistCnn, DropsOutOnlyInTraining) {
  const auto model = make_model({}, 1);
  const at::Tensor images = at::randn({3, 1, 28, 28});
  EXPECT_TRUE(model->forward(images, false).equal(model->forward(images, false)));
  EXPECT_FALSE(model->forward(images, true).equal(model->forward(images, true)));
}

std::unique_ptr<Model> make_mlp(const std::array<double, 2>& dropout, std::uint64_t seed) {
  ModelConfig config;
  config.name = NetworkKind::mnist_mlp;
  config.dropout = dropout;
  return make_model(config, seed);
}

TEST(MnistMlp, HasThirtyMillionParameters) {
  const auto model = make_mlp({0.25, 0.5}, 1);
  std::vector<std::string> names;
  for (const auto& [name, shape] : model->shapes()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"));
  EXPECT_EQ(BucketLayout(model->shapes(), kBlockBytes).bytes(), 4 * 30'289'930U);
}

TEST(MnistMlp, ComputesAsTheModulesOfLibTorch) {
  const auto model = make_mlp({0, 0}, 5);
  at::manual_seed(5);
  torch::nn::Linear fc1(784, 5120);
  torch::nn::Linear fc2(5120, 5120);
  torch::nn::Linear fc3(5120, 10);
  const at::Tensor images = at::randn({2, 1, 28, 28});
  const at::Tensor hidden = fc2(fc1(images.flatten(1)).relu()).relu();
  const at::Tensor expected = at::log_softmax(fc3(hidden), 1);
  const at::Tensor found = model->forward(images, /*training=*/true);
  EXPECT_TRUE(found.equal(expected));
  expected.select(1, 3).sum().backward();
  found.select(1, 3).sum().backward();
  std::size_t parameter = 0;
  for (const at::Tensor& of_module : {fc1->weight, fc1->bias, fc2->weight, fc2->bias, fc3->weight, fc3->bias}) {
    EXPECT_TRUE(model->parameters()[parameter].tensor.grad().equal(of_module.grad())) << parameter;
    ++parameter;
  }
}

TEST(MnistMlp, DropsOutBehindBothLayers) {
  const at::Tensor images = at::randn({3, 1, 28, 28});
  for (const std::array<double, 2> dropout : {std::array{0.5, 0.0}, std::array{0.0, 0.5}}) {
    const auto model = make_mlp(dropout, 1);
    EXPECT_TRUE(model->forward(images, false).equal(model->forward(images, false)));
    EXPECT_FALSE(model->forward(images, true).equal(model->forward(images, true)));
  }
}

TEST(MakeModel, SameSeedSameValues) {
  const auto values = [](std::uint64_t seed) { return make_model({}, seed)->parameters()[4].tensor; };
  EXPECT_TRUE(values(3).equal(values(3)));
  EXPECT_FALSE(values(3).equal(values(4)));
}

}  // namespace
}  // namespace runnel
