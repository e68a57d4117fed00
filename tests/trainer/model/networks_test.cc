// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/training_step.h"
#include "trainer/run/registry.h"

/// The built-in models that options shape: "mlp", "resnet" and "gpt".
namespace runnel {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

TrainedModel make(const std::string& name, const std::string& options) {
  return Registry().make_model(
      parse_config("[model]\nname = \"" + name + "\"\noptions = { " + options + " }", "test.toml"));
}

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& tensor : tensors) names.push_back(tensor.name);
  return names;
}

std::int64_t parameters_of(const TrainedModel& model) {
  std::int64_t count = 0;
  for (const NamedTensor& tensor : model.tensors().trained()) count += tensor.tensor.numel();
  return count;
}

at::Tensor outputs(TrainedModel& model, const at::Tensor& inputs, bool training = false) {
  model.model().set_training(training);
  return model.model().forward({{inputs}})[0];
}

/// Makes a pass in both directions.
void expect_gradients(TrainedModel& model, const at::Tensor& inputs) {
  outputs(model, inputs, /*training=*/true).square().sum().backward();
  for (const NamedTensor& parameter : model.tensors().trained()) {
    ASSERT_TRUE(parameter.tensor.grad().defined()) << parameter.name;
    EXPECT_GT(parameter.tensor.grad().abs().max().item<float>(), 0) << parameter.name;
  }
}

/// Makes a training step with Runnel's kernels, after which every matrix of a linear layer must have had its gradient
/// computed in its place. Returns how many there are.
int expect_linear_in_place(TrainedModel& model, const at::Tensor& inputs) {
  const KernelChoice kernels(KernelSet::own);
  const BucketLayout layout(model.tensors().shapes(), kBlockBytes);
  const OwnedArena values(layout, c10::kCPU);
  const OwnedArena places(layout, c10::kCPU);
  TrainingStep step(model.tensors(), values.arena, places.arena, nullptr);
  const at::Tensor output = outputs(model, inputs, /*training=*/true);
  step.end_forward();
  output.square().sum().backward();
  int matrices = 0;
  for (std::size_t i = 0; i < model.tensors().trained().size(); ++i) {
    const NamedTensor& parameter = model.tensors().trained()[i];
    if (parameter.tensor.dim() != 2 || parameter.name.find("wpe") != std::string::npos) continue;
    EXPECT_FALSE(step.claim(i).defined()) << parameter.name;
    ++matrices;
  }
  step.end_backward();
  return matrices;
}

std::string refusal_of(const std::string& name, const std::string& options) {
  try {
    make(name, options);
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
  return "accepted";
}

TEST(Mlp, HasTheLayersOfItsOptions) {
  TrainedModel model = make("mlp", "inputs = 6, hidden = [5, 4], outputs = 3");
  EXPECT_THAT(names_of(model.tensors().trained()),
              ElementsAre("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight", "fc3.bias"));
  EXPECT_EQ(parameters_of(model), 7 * 5 + 6 * 4 + 5 * 3);
  EXPECT_THAT(outputs(model, at::randn({7, 1, 2, 3})).sizes(), ElementsAre(7, 3));
  expect_gradients(model, at::randn({7, 6}));
}

TEST(LinearLayers, ComputeTheirGradientsInTheirPlaces) {
  TrainedModel cnn = make("mnist-cnn", "");
  EXPECT_EQ(expect_linear_in_place(cnn, at::randn({2, 1, 28, 28})), 2);
  TrainedModel mlp = make("mlp", "inputs = 6, hidden = [5, 4], outputs = 3");
  EXPECT_EQ(expect_linear_in_place(mlp, at::randn({7, 6})), 3);
  TrainedModel resnet = make("resnet", "depth = 20");
  EXPECT_EQ(expect_linear_in_place(resnet, at::randn({1, 3, 8, 8})), 1);
  TrainedModel gpt = make("gpt", "layers = 1, heads = 2, width = 8, context = 4, vocabulary = 6");
  EXPECT_EQ(expect_linear_in_place(gpt, at::randint(6, {2, 4}, at::kLong)), 5);
}

TEST(Mlp, WithoutHiddenLayersIsLinear) {
  TrainedModel model = make("mlp", "inputs = 6, hidden = [], outputs = 1, dropout = 0.5");
  EXPECT_EQ(parameters_of(model), 7);
  const at::Tensor zero = at::zeros({1, 6});
  const at::Tensor x = at::randn({1, 6});
  const at::Tensor twice = outputs(model, x + x, /*training=*/true) + outputs(model, zero);
  EXPECT_TRUE(twice.allclose(outputs(model, x) + outputs(model, x)));
}

TEST(Mlp, DropsOutOnlyInTraining) {
  TrainedModel model = make("mlp", "inputs = 6, dropout = 0.5");
  const at::Tensor x = at::randn({3, 6});
  EXPECT_TRUE(outputs(model, x).equal(outputs(model, x)));
  EXPECT_FALSE(outputs(model, x, true).equal(outputs(model, x, true)));
}

TEST(ResNet, HasTheParametersOfTheReferences) {
  const std::vector<std::pair<std::string, std::int64_t>> expected = {
      {"depth = 20", 272'474},
      {"depth = 32", 466'906},
      {"depth = 56", 855'770},
      {"depth = 18, classes = 1000", 11'689'512},  // torchvision's resnet18
  };
  for (const auto& [options, count] : expected) EXPECT_EQ(parameters_of(make("resnet", options)), count) << options;
}

/// The names of a block in torchvision's state_dict.
void add_block(std::vector<std::string>& parameters, std::vector<std::string>& buffers, const std::string& prefix,
               bool downsamples) {
  std::vector<std::pair<std::string, std::string>> layers = {{"conv1", "bn1"}, {"conv2", "bn2"}};
  if (downsamples) layers.emplace_back("downsample.0", "downsample.1");
  for (const auto& [convolution, norm] : layers) {
    parameters.insert(parameters.end(),
                      {prefix + convolution + ".weight", prefix + norm + ".weight", prefix + norm + ".bias"});
    buffers.insert(buffers.end(), {prefix + norm + ".running_mean", prefix + norm + ".running_var"});
  }
}

TEST(ResNet, HasTheNamesOfTorchvision) {
  std::vector<std::string> parameters = {"conv1.weight", "bn1.weight", "bn1.bias"};
  std::vector<std::string> buffers = {"bn1.running_mean", "bn1.running_var"};
  for (int stage = 1; stage <= 4; ++stage) {
    for (int block = 0; block < 2; ++block) {
      add_block(parameters, buffers, "layer" + std::to_string(stage) + "." + std::to_string(block) + ".",
                stage > 1 && block == 0);
    }
  }
  parameters.insert(parameters.end(), {"fc.weight", "fc.bias"});
  const TrainedModel model = make("resnet", "depth = 18");
  EXPECT_THAT(names_of(model.tensors().trained()), ElementsAreArray(parameters));
  EXPECT_THAT(names_of(model.tensors().buffers()), ElementsAreArray(buffers));
}

TEST(ResNet, TakesImagesOfAnySize) {
  TrainedModel small = make("resnet", "channels = 1, classes = 7");
  EXPECT_THAT(outputs(small, at::randn({2, 1, 28, 20})).sizes(), ElementsAre(2, 7));
  expect_gradients(small, at::randn({4, 1, 16, 16}));
  TrainedModel large = make("resnet", "depth = 18");
  EXPECT_THAT(outputs(large, at::randn({1, 3, 64, 64})).sizes(), ElementsAre(1, 10));
  expect_gradients(large, at::randn({2, 3, 64, 64}));
}

TEST(Gpt, HasTheNamesOfNanoGpt) {
  const TrainedModel model = make("gpt", "layers = 2, heads = 2, width = 8, context = 4, vocabulary = 5");
  std::vector<std::string> expected = {"transformer.wte.weight", "transformer.wpe.weight"};
  for (const std::string layer : {"transformer.h.0.", "transformer.h.1."}) {
    for (const char* part : {"ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj"}) {
      expected.insert(expected.end(), {layer + part + ".weight", layer + part + ".bias"});
    }
  }
  expected.insert(expected.end(), {"transformer.ln_f.weight", "transformer.ln_f.bias"});
  EXPECT_THAT(names_of(model.tensors().trained()), ElementsAreArray(expected));
}

TEST(Gpt, HasTheParametersOfItsOptions) {
  EXPECT_EQ(parameters_of(make("gpt", "")), 10'795'008);
  // GPT-2's smallest: 124 439 808.
  EXPECT_EQ(parameters_of(make("gpt", "layers = 12, heads = 12, width = 768, context = 1024, vocabulary = 50257")),
            124'439'808);
}

TEST(Gpt, GivesScoresForEveryToken) {
  TrainedModel model = make("gpt", "layers = 2, heads = 2, width = 8, context = 6, vocabulary = 5");
  const at::Tensor tokens = at::randint(5, {3, 6}, at::kLong);
  const at::Tensor scores = outputs(model, tokens);
  EXPECT_THAT(scores.sizes(), ElementsAre(3, 6, 5));
  // No token depends on a later one, and fewer than the context are enough.
  EXPECT_TRUE(outputs(model, tokens.narrow(1, 0, 4)).allclose(scores.narrow(1, 0, 4), 1e-4, 1e-6));
  expect_gradients(model, tokens);
  const double start = at::cross_entropy_loss(scores.flatten(0, 1), tokens.flatten()).item<double>();
  EXPECT_NEAR(start, std::log(5), 0.1);
}

TEST(Gpt, DropsOutOnlyInTraining) {
  TrainedModel model = make("gpt", "layers = 1, heads = 1, width = 8, context = 4, vocabulary = 5, dropout = 0.5");
  const at::Tensor tokens = at::randint(5, {3, 4}, at::kLong);
  EXPECT_TRUE(outputs(model, tokens).equal(outputs(model, tokens)));
  EXPECT_FALSE(outputs(model, tokens, true).equal(outputs(model, tokens, true)));
}

TEST(Gpt, RefusesSamplesThatAreLongerThanItsContext) {
  TrainedModel model = make("gpt", "layers = 1, heads = 1, width = 8, context = 4, vocabulary = 5");
  try {
    outputs(model, at::randint(5, {3, 5}, at::kLong));
    FAIL() << "accepted";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    EXPECT_THAT(error.what(), HasSubstr("key 'model.options.context': expected at least the 5 tokens"));
  }
}

TEST(Networks, RefuseOptionsThatAreWrong) {
  EXPECT_THAT(refusal_of("mlp", "inputs = 0"), HasSubstr("key 'model.options.inputs'"));
  EXPECT_THAT(refusal_of("mlp", "hidden = 3"), HasSubstr("key 'model.options.hidden'"));
  EXPECT_THAT(refusal_of("mlp", "dropout = 1"), HasSubstr("key 'model.options.dropout'"));
  EXPECT_THAT(refusal_of("mlp", "width = 3"), HasSubstr("key 'model.options.width': model 'mlp' has no such option"));
  EXPECT_THAT(refusal_of("resnet", "depth = 50"),
              HasSubstr("key 'model.options.depth': expected 18, 20, 32 or 56, found 50"));
  EXPECT_THAT(refusal_of("resnet", "classes = 0"), HasSubstr("key 'model.options.classes'"));
  EXPECT_THAT(refusal_of("gpt", "heads = 5"), HasSubstr("key 'model.options.heads': expected a width that is a"));
  EXPECT_THAT(refusal_of("gpt", "width = 100"), HasSubstr("key 'model.options.width': expected a width that is a"));
  EXPECT_THAT(refusal_of("gpt", "layers = 0"), HasSubstr("key 'model.options.layers'"));
}

}  // namespace
}  // namespace runnel
