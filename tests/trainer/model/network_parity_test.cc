// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "trainer/run/registry.h"
#include "trainer/torch/torch_setup.h"

/// "resnet" and "gpt" against the same modules in Python: fixtures/networks.json, by make_network_fixtures.py.
namespace runnel {
namespace {

constexpr std::int64_t kBatch = 6;

/// As `pattern` of make_fixtures.py.
at::Tensor pattern(std::int64_t count, std::int64_t seed, std::int64_t modulus) {
  return (at::arange(count, at::kLong) * 7919 + seed * 104729 + 17).remainder(modulus);
}

struct Samples {
  at::Tensor inputs;
  at::Tensor targets;
};

Samples images(std::int64_t step) {
  const at::Tensor pixels = pattern(kBatch * 3 * 32 * 32, step, 2003).to(at::kDouble) / 2003 - 0.5;
  return {pixels.to(at::kFloat).view({kBatch, 3, 32, 32}), pattern(kBatch, step, 10)};
}

Samples tokens(std::int64_t step) {
  return {pattern(kBatch * 16, step, 31).view({kBatch, 16}), pattern(kBatch * 16, step + 1, 31)};
}

struct Case {
  std::string name;
  std::string options;
  Samples (*samples)(std::int64_t step);
};

class NetworkParityTest : public testing::TestWithParam<Case> {
 protected:
  NetworkParityTest() { set_torch_threads(1); }

  TrainedModel model_ = Registry().make_model(parse_config(
      "[model]\nname = \"" + GetParam().name + "\"\noptions = { " + GetParam().options + " }", "test.toml"));
  nlohmann::json expected_ = nlohmann::json::parse(std::ifstream(RUNNEL_FIXTURE_FOLDER "/networks.json"));
};

/// The loss of one step of SGD.
double train_step(TrainedModel& model, const Samples& samples) {
  constexpr double kLearningRate = 0.01;  // as make_network_fixtures.py, which says why
  const at::Tensor scores = model.model().forward({{samples.inputs}})[0];
  const at::Tensor loss = at::cross_entropy_loss(scores.flatten(0, -2), samples.targets);
  loss.backward();
  const at::NoGradGuard no_grad;
  for (const NamedTensor& parameter : model.tensors().trained()) {
    parameter.tensor.sub_(parameter.tensor.grad(), kLearningRate);
    parameter.tensor.mutable_grad().reset();
  }
  return loss.item<double>();
}

TEST_P(NetworkParityTest, TrainsAsPythonDoes) {
  const auto losses = expected_[GetParam().name]["losses"].get<std::vector<double>>();
  model_.model().set_training(true);
  for (std::size_t step = 0; step < losses.size(); ++step) {
    EXPECT_NEAR(train_step(model_, GetParam().samples(static_cast<std::int64_t>(step))), losses[step], 1e-4)
        << "step " << step;
  }
}

TEST_P(NetworkParityTest, HasTheNamesOfPythonsStateDict) {
  std::vector<std::string> names;
  for (const NamedTensor& parameter : model_.model().parameters()) names.push_back(parameter.name);
  for (const NamedTensor& buffer : model_.model().buffers()) names.push_back(buffer.name);
  EXPECT_THAT(names,
              testing::UnorderedElementsAreArray(expected_[GetParam().name]["names"].get<std::vector<std::string>>()));
}

INSTANTIATE_TEST_SUITE_P(All, NetworkParityTest,
                         testing::Values(Case{"resnet", "depth = 20", images},
                                         Case{"gpt", "layers = 3, heads = 4, width = 32, context = 16, vocabulary = 31",
                                              tokens}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace runnel
