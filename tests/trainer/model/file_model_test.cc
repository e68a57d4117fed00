// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/trainer/model/fixture_models.h"
#include "trainer/model/exported_model.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/torchscript_model.h"
#include "trainer/model/trained_tensors.h"
#include "trainer/model/training_step.h"
#include "trainer/torch/torch_setup.h"

// What models from files have in common, whichever program of PyTorch wrote them.
namespace runnel {
namespace {

using test::names;
using test::parameters_of;
using test::pass;
using test::samples;
using test::train_step;
using testing::ElementsAre;

std::vector<double> sums_of(const std::vector<NamedTensor>& tensors) {
  std::vector<double> sums;
  for (const auto& [name, tensor] : tensors) sums.push_back(tensor.to(at::kDouble).sum().item<double>());
  return sums;
}

template <class FileModel>
class FileModelTest : public testing::Test {
 protected:
  FileModelTest() { set_torch_threads(1); }

  static FileModel make(const std::string& name) {
    constexpr bool kIsExported = std::is_same_v<FileModel, ExportedModel>;
    const std::string folder = RUNNEL_FIXTURE_FOLDER;
    return FileModel(folder + (kIsExported ? "/exported_" + name + ".pt2" : "/scripted_" + name + ".pt"));
  }

  static void expect_parity(const std::string& name) {
    FileModel model = make(name);
    test::expect_parity(name, model);
  }
};

using FileModels = testing::Types<ExportedModel, TorchScriptModel>;
TYPED_TEST_SUITE(FileModelTest, FileModels);

TYPED_TEST(FileModelTest, TrainsCnnAsPythonDoes) {
  this->expect_parity("cnn");
}

TYPED_TEST(FileModelTest, TrainsTransformerAsPythonDoes) {
  this->expect_parity("transformer");
}

TYPED_TEST(FileModelTest, TrainsBatchNormAsPythonDoes) {
  this->expect_parity("batch_norm");
}

TYPED_TEST(FileModelTest, TrainsFrozenLayersAsPythonDoes) {
  this->expect_parity("frozen");
}

TYPED_TEST(FileModelTest, TiedParametersAreOneTensor) {
  TypeParam model = this->make("transformer");
  const std::vector<NamedTensor> all = model.parameters();
  const at::Tensor& head = std::ranges::find(all, "head.weight", &NamedTensor::name)->tensor;
  EXPECT_TRUE(head.is_same(std::ranges::find(all, "embedding.weight", &NamedTensor::name)->tensor));
  EXPECT_EQ(all.size(), parameters_of(model, true).size() + 1);
}

TYPED_TEST(FileModelTest, KeepsFrozenParametersApart) {
  TypeParam model = this->make("frozen");
  EXPECT_THAT(names(parameters_of(model, true)), ElementsAre("second.weight", "second.bias"));
  const std::vector<NamedTensor> frozen = parameters_of(model, false);
  EXPECT_THAT(names(frozen), ElementsAre("first.weight", "first.bias"));
  train_step("frozen", model, 0);
  for (const auto& [name, tensor] : frozen) EXPECT_FALSE(tensor.grad().defined()) << name;
}

TYPED_TEST(FileModelTest, LeavesUnusedParametersWithoutGradient) {
  TypeParam model = this->make("transformer");
  train_step("transformer", model, 0);
  for (const auto& [name, tensor] : model.parameters()) EXPECT_EQ(tensor.grad().defined(), name != "unused") << name;
}

/// The model counts its passes; the test's are dealt to the trainers.
TYPED_TEST(FileModelTest, EvaluationChangesNoBuffer) {
  TypeParam model = this->make("batch_norm");
  const std::vector<double> before = sums_of(model.buffers());
  model.set_training(false);
  pass(model, samples("batch_norm", 0).inputs);
  EXPECT_EQ(sums_of(model.buffers()), before);
  model.set_training(true);
  pass(model, samples("batch_norm", 0).inputs);
  EXPECT_NE(sums_of(model.buffers()), before);
}

TYPED_TEST(FileModelTest, TakesBatchesOfAnySize) {
  for (const char* name : {"cnn", "transformer", "frozen"}) {
    TypeParam model = this->make(name);
    model.set_training(false);
    for (const std::int64_t batch : {1, 2, 7}) {
      EXPECT_EQ(pass(model, samples(name, 0, batch).inputs).size(0), batch) << name;
    }
  }
}

TYPED_TEST(FileModelTest, ReadsParametersWhereTheyAre) {
  TypeParam model = this->make("frozen");
  const at::Tensor inputs = samples("frozen", 0).inputs;
  const at::Tensor before = pass(model, inputs);
  const at::Tensor weight = model.parameters().front().tensor;
  weight.set_data(weight.detach().clone().mul_(2));
  EXPECT_FALSE(pass(model, inputs).equal(before));
}

TYPED_TEST(FileModelTest, HoldsNoTensorOfAPass) {
  TypeParam model = this->make("cnn");
  const at::Tensor inputs = samples("cnn", 0).inputs;
  pass(model, inputs);
  EXPECT_EQ(inputs.use_count(), 1U);
}

/// What a step reports, as "use 3" and "gradient 3".
struct Events final : PassObserver {
  void before_use(std::size_t tensor) override { all.push_back("use " + std::to_string(tensor)); }
  void gradient_ready(std::size_t tensor) override { all.push_back("gradient " + std::to_string(tensor)); }

  std::vector<std::string> all;
};

/// Layer by layer, so that transfers overlap with the passes: also in later passes, which an optimizer could change.
TYPED_TEST(FileModelTest, ReportsUsesAndGradientsInTheOrderOfTheLayers) {
  TypeParam model = this->make("cnn");
  TrainedTensors tensors(model, c10::kCPU, /*exchanges_buffers=*/false);
  const BucketLayout layout(tensors.shapes(), kBlockBytes);
  const OwnedArena values(layout, c10::kCPU), places(layout, c10::kCPU);
  for (int repeat = 0; repeat < 4; ++repeat) {
    Events events;
    TrainingStep step(tensors, values.arena, places.arena, &events);
    const at::Tensor loss = pass(model, samples("cnn", 0).inputs).sum();
    EXPECT_THAT(events.all, ElementsAre("use 0", "use 1", "use 2", "use 3", "use 4", "use 5", "use 6", "use 7"));
    step.end_forward();
    events.all.clear();
    loss.backward();
    ASSERT_EQ(events.all.size(), 8U);
    for (std::size_t i = 0; i < 8; ++i) {  // a layer's two gradients come together
      const std::size_t layer = 3 - i / 2;
      EXPECT_THAT(events.all[i],
                  testing::AnyOf("gradient " + std::to_string(2 * layer), "gradient " + std::to_string(2 * layer + 1)));
    }
    step.end_backward();
  }
}

}  // namespace
}  // namespace runnel
