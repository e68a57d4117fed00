// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/exported_model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/nll_loss.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "trainer/torch/torch_setup.h"

namespace runnel {
namespace {

using testing::ElementsAre;
using testing::EndsWith;

constexpr std::int64_t kBatch = 6;

std::filesystem::path fixture(const std::string& name) {
  return RUNNEL_FIXTURE_FOLDER "/exported_" + name + ".pt2";
}

/// As `pattern` of make_fixtures.py.
at::Tensor pattern(std::int64_t count, std::int64_t seed, std::int64_t modulus) {
  return (at::arange(count, at::kLong) * 7919 + seed * 104729 + 17).remainder(modulus);
}

struct Samples {
  at::Tensor inputs;
  at::Tensor targets;
};

Samples samples(const std::string& model, std::int64_t step, std::int64_t batch = kBatch) {
  if (model == "transformer") {
    return {pattern(batch * 8, step, 31).view({batch, 8}), pattern(batch * 8, step + 1, 31).view({batch, 8})};
  }
  const at::Tensor pixels = pattern(batch * 144, step, 2003).to(at::kDouble) / 2003 - 0.5;
  return {pixels.to(at::kFloat).view({batch, 1, 12, 12}), pattern(batch, step, 10)};
}

std::vector<at::Tensor> pass(ExportedModel& model, const at::Tensor& inputs) {
  return model.forward({{inputs}});
}

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& each : tensors) names.push_back(each.name);
  return names;
}

/// Trained parameters by their first names, or the frozen ones.
std::vector<NamedTensor> parameters_of(ExportedModel& model, bool trained) {
  std::vector<NamedTensor> found;
  for (const NamedTensor& one : model.parameters()) {
    const auto is_same = [&](const NamedTensor& other) { return other.tensor.is_same(one.tensor); };
    if (one.tensor.requires_grad() == trained && std::ranges::none_of(found, is_same)) found.push_back(one);
  }
  return found;
}

/// The loss of one step of SGD.
double train_step(const std::string& name, ExportedModel& model, std::int64_t step) {
  constexpr double kLearningRate = 0.05;
  const auto [inputs, targets] = samples(name, step);
  at::manual_seed(static_cast<std::uint64_t>(1000 + step));
  const std::vector<NamedTensor> trained = parameters_of(model, true);
  for (const auto& parameter : trained) parameter.tensor.mutable_grad().reset();
  const at::Tensor output = pass(model, inputs).front();
  const at::Tensor loss =
      name == "transformer" ? at::cross_entropy_loss(output, targets) : at::nll_loss(output, targets);
  loss.backward();
  const at::NoGradGuard no_grad;
  for (const auto& [parameter, tensor] : trained) {
    if (tensor.grad().defined()) tensor.sub_(tensor.grad(), kLearningRate);
  }
  return loss.item<double>();
}

class ExportedModelTest : public testing::TestWithParam<const char*> {
 protected:
  ExportedModelTest() { set_torch_threads(1); }

  nlohmann::json fixture_ = nlohmann::json::parse(std::ifstream(RUNNEL_FIXTURE_FOLDER "/exported.json"));
};

class ExportedModelParityTest : public ExportedModelTest {};

/// The same bits as Python's where the processor runs the same kernels, which the first loss shows; else as good as.
TEST_P(ExportedModelParityTest, TrainsAsPythonDoes) {
  const std::string name = GetParam();
  const nlohmann::json& expected = fixture_["models"][name];
  const bool same_machine = fixture_["cpu"] == at::get_cpu_capability() && fixture_["torch"] == torch_version();
  ExportedModel model(fixture(name));
  EXPECT_EQ(names(parameters_of(model, true)), expected["parameters"].get<std::vector<std::string>>());
  bool same_bits = same_machine;
  const auto compare = [&](double found, double wanted, const std::string& what) {
    EXPECT_NEAR(found, wanted, 1e-5 * std::max(1.0, std::abs(wanted))) << what;
    if (same_bits) {
      EXPECT_EQ(found, wanted) << what;
    }
  };
  for (std::size_t step = 0; step < expected["losses"].size(); ++step) {
    const double loss = train_step(name, model, static_cast<std::int64_t>(step));
    if (step == 0) same_bits &= loss == expected["losses"][0].get<double>();
    compare(loss, expected["losses"][step], "loss of step " + std::to_string(step));
  }
  RecordProperty("same_bits", same_bits ? "yes" : "no");
  if (!same_bits) std::printf("other kernels than the fixture's: compared within 1e-5\n");

  model.set_training(false);
  const at::NoGradGuard no_grad;
  for (int repeat = 0; repeat < 2; ++repeat) {  // an evaluation changes no buffer
    const at::Tensor output = pass(model, samples(name, 20).inputs).front().flatten();
    ASSERT_EQ(static_cast<std::size_t>(output.numel()), expected["evaluated"].size());
    for (std::int64_t i = 0; i < output.numel(); ++i) {
      compare(output[i].item<double>(), expected["evaluated"][static_cast<std::size_t>(i)], "evaluation");
    }
  }
  EXPECT_EQ(model.buffers().size(), expected["buffers"].size());
  for (const auto& [buffer, tensor] : model.buffers()) {
    compare(tensor.to(at::kDouble).sum().item<double>(), expected["buffers"][buffer], buffer);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExportedModelParityTest, testing::Values("cnn", "transformer", "batch_norm", "frozen"));

TEST_F(ExportedModelTest, TiedParametersAreOneTensor) {
  ExportedModel model(fixture("transformer"));
  const std::vector<NamedTensor> all = model.parameters();
  const at::Tensor& head = std::ranges::find(all, "head.weight", &NamedTensor::name)->tensor;
  EXPECT_TRUE(head.is_same(std::ranges::find(all, "embedding.weight", &NamedTensor::name)->tensor));
  EXPECT_EQ(all.size(), parameters_of(model, true).size() + 1);
}

TEST_F(ExportedModelTest, KeepsFrozenParametersApart) {
  ExportedModel model(fixture("frozen"));
  EXPECT_THAT(names(parameters_of(model, true)), ElementsAre("second.weight", "second.bias"));
  const std::vector<NamedTensor> frozen = parameters_of(model, false);
  EXPECT_THAT(names(frozen), ElementsAre("first.weight", "first.bias"));
  train_step("frozen", model, 0);
  for (const auto& [name, tensor] : frozen) EXPECT_FALSE(tensor.grad().defined()) << name;
}

TEST_F(ExportedModelTest, LeavesUnusedParametersWithoutGradient) {
  ExportedModel model(fixture("transformer"));
  train_step("transformer", model, 0);
  for (const auto& [name, tensor] : model.parameters()) EXPECT_EQ(tensor.grad().defined(), name != "unused") << name;
}

TEST_F(ExportedModelTest, NamesBuffersAsStateDictDoes) {
  ExportedModel model(fixture("batch_norm"));
  EXPECT_THAT(
      names(model.buffers()),
      testing::UnorderedElementsAre("norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
                                    "norm2.running_mean", "norm2.running_var", "norm2.num_batches_tracked", "passes"));
}

TEST_F(ExportedModelTest, TakesBatchesOfAnySize) {
  for (const char* name : {"cnn", "transformer", "frozen"}) {
    ExportedModel model(fixture(name));
    model.set_training(false);
    for (const std::int64_t batch : {1, 2, 7}) {
      EXPECT_EQ(pass(model, samples(name, 0, batch).inputs).front().size(0), batch) << name;
    }
  }
}

TEST_F(ExportedModelTest, ReadsParametersWhereTheyAre) {
  ExportedModel model(fixture("frozen"));
  const at::Tensor inputs = samples("frozen", 0).inputs;
  const at::Tensor before = pass(model, inputs).front();
  const at::Tensor weight = model.parameters().front().tensor;
  weight.set_data(weight.detach().clone().mul_(2));
  EXPECT_FALSE(pass(model, inputs).front().equal(before));
}

TEST_F(ExportedModelTest, HoldsNoTensorOfAPass) {
  ExportedModel model(fixture("cnn"));
  at::Tensor inputs = samples("cnn", 0).inputs;
  pass(model, inputs);
  EXPECT_EQ(inputs.use_count(), 1U);
}

TEST_F(ExportedModelTest, SaysWhichInputsDoNotFit) {
  const ExportedModel model(fixture("transformer"));
  const auto message = [&](const std::vector<ExportedModel::InputShape>& inputs) -> std::string {
    try {
      model.check_inputs(inputs);
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
      return error.what();
    }
  };
  const std::array<std::int64_t, 2> good = {4, 8}, longer = {4, 9};
  const std::array<std::int64_t, 3> deeper = {4, 8, 1};
  EXPECT_EQ(message({{at::kLong, good}}), "");
  const std::string wanted = "exported_transformer.pt2: input 1 \"tokens\": the program takes int64 [s";
  EXPECT_THAT(message({{at::kFloat, good}}), testing::HasSubstr(wanted));
  EXPECT_THAT(message({{at::kFloat, good}}), EndsWith(", 8], the batch has float32 [4, 8]"));
  EXPECT_THAT(message({{at::kLong, longer}}), EndsWith("the batch has int64 [4, 9]"));
  EXPECT_THAT(message({{at::kLong, deeper}}), EndsWith("the batch has int64 [4, 8, 1]"));
  EXPECT_THAT(message({}), EndsWith("the program takes 1 tensors, the batch has 0"));
}

TEST_F(ExportedModelTest, NamesTheSourceOfAnOperationThatFails) {
  ExportedModel model(fixture("transformer"));
  const at::Tensor beyond = at::arange(kBatch * 8, at::kLong).view({kBatch, 8});
  try {
    pass(model, beyond);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_data);
    EXPECT_THAT(error.what(), testing::HasSubstr("exported_transformer.pt2: node \"embedding\" (make_fixtures.py:"));
    EXPECT_THAT(error.what(), EndsWith("index out of range in self"));
  }
}

}  // namespace
}  // namespace runnel
