// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/model/fixture_models.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/nll_loss.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "trainer/torch/torch_setup.h"

namespace runnel::test {
namespace {

/// As `pattern` of make_fixtures.py.
at::Tensor pattern(std::int64_t count, std::int64_t seed, std::int64_t modulus) {
  return (at::arange(count, at::kLong) * 7919 + seed * 104729 + 17).remainder(modulus);
}

/// Compares with the fixture's numbers.
class Comparison {
 public:
  explicit Comparison(bool same_bits) : same_bits_(same_bits) {}

  bool same_bits() const { return same_bits_; }

  /// The first number decides whether the kernels are those of the fixture's machine.
  void begin(double found, double wanted) { same_bits_ &= found == wanted; }

  void expect(double found, double wanted, const std::string& what) const {
    EXPECT_NEAR(found, wanted, 1e-5 * std::max(1.0, std::abs(wanted))) << what;
    if (same_bits_) {
      EXPECT_EQ(found, wanted) << what;
    }
  }

 private:
  bool same_bits_;
};

void expect_training(const std::string& name, Model& model, const nlohmann::json& expected, Comparison& comparison) {
  for (std::size_t step = 0; step < expected["losses"].size(); ++step) {
    const double loss = train_step(name, model, static_cast<std::int64_t>(step));
    if (step == 0) comparison.begin(loss, expected["losses"][0]);
    comparison.expect(loss, expected["losses"][step], "loss of step " + std::to_string(step));
  }
  const std::vector<NamedTensor> buffers = model.buffers();
  for (const auto& [buffer, sum] : expected["buffers"].items()) {
    const auto found = std::ranges::find(buffers, buffer, &NamedTensor::name);
    ASSERT_NE(found, buffers.end()) << buffer;
    comparison.expect(found->tensor.to(at::kDouble).sum().item<double>(), sum, buffer);
  }
}

void expect_evaluation(const std::string& name, Model& model, const nlohmann::json& expected,
                       const Comparison& comparison) {
  model.set_training(false);
  const at::NoGradGuard no_grad;
  for (int repeat = 0; repeat < 2; ++repeat) {  // an evaluation changes nothing that counts
    const at::Tensor output = pass(model, samples(name, 20).inputs).flatten();
    ASSERT_EQ(static_cast<std::size_t>(output.numel()), expected["evaluated"].size());
    for (std::int64_t i = 0; i < output.numel(); ++i) {
      comparison.expect(output[i].item<double>(), expected["evaluated"][static_cast<std::size_t>(i)], "evaluation");
    }
  }
}

/// As `processor` of make_fixtures.py.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> facts;
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    const std::size_t end = line.find_last_not_of(" \t", colon - 1) + 1;
    facts[line.substr(0, end)] = line.substr(std::min(line.size(), colon + 2));
  }
  std::istringstream flags(facts["flags"]);
  std::set<std::string> vectors;
  for (std::string flag; flags >> flag;) {
    if (flag.starts_with("avx") || flag.starts_with("amx") || flag.starts_with("fma")) vectors.insert(flag);
  }
  std::string all = facts["vendor_id"] + " " + facts["cpu family"] + " " + facts["model"];
  for (const std::string& vector : vectors) all += " " + vector;
  return all;
}

}  // namespace

Samples samples(const std::string& model, std::int64_t step, std::int64_t batch) {
  if (model == "transformer") {
    return {pattern(batch * 8, step, 31).view({batch, 8}), pattern(batch * 8, step + 1, 31).view({batch, 8})};
  }
  const at::Tensor pixels = pattern(batch * 144, step, 2003).to(at::kDouble) / 2003 - 0.5;
  return {pixels.to(at::kFloat).view({batch, 1, 12, 12}), pattern(batch, step, 10)};
}

at::Tensor pass(Model& model, const at::Tensor& inputs) {
  return model.forward({{inputs}}).front();
}

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& each : tensors) names.push_back(each.name);
  return names;
}

std::vector<NamedTensor> parameters_of(Model& model, bool trained) {
  std::vector<NamedTensor> found;
  for (const NamedTensor& one : model.parameters()) {
    const auto is_same = [&](const NamedTensor& other) { return other.tensor.is_same(one.tensor); };
    if (one.tensor.requires_grad() == trained && std::ranges::none_of(found, is_same)) found.push_back(one);
  }
  return found;
}

double train_step(const std::string& name, Model& model, std::int64_t step) {
  constexpr double kLearningRate = 0.05;
  const auto [inputs, targets] = samples(name, step);
  at::manual_seed(static_cast<std::uint64_t>(1000 + step));
  const std::vector<NamedTensor> trained = parameters_of(model, true);
  for (const auto& parameter : trained) parameter.tensor.mutable_grad().reset();
  const at::Tensor output = pass(model, inputs);
  const at::Tensor loss =
      name == "transformer" ? at::cross_entropy_loss(output, targets) : at::nll_loss(output, targets);
  loss.backward();
  const at::NoGradGuard no_grad;
  for (const auto& [parameter, tensor] : trained) {
    if (tensor.grad().defined()) tensor.sub_(tensor.grad(), kLearningRate);
  }
  return loss.item<double>();
}

void expect_parity(const std::string& name, Model& model) {
  const auto fixture = nlohmann::json::parse(std::ifstream(RUNNEL_FIXTURE_FOLDER "/exported.json"));
  const nlohmann::json& expected = fixture["models"][name];
  EXPECT_EQ(names(parameters_of(model, true)), expected["parameters"].get<std::vector<std::string>>());
  Comparison comparison(fixture["processor"] == processor() && fixture["torch"] == torch_version());
  expect_training(name, model, expected, comparison);
  expect_evaluation(name, model, expected, comparison);
  testing::Test::RecordProperty("same_bits", comparison.same_bits() ? "yes" : "no");
  if (!comparison.same_bits()) std::printf("another processor than the fixture's: compared within 1e-5\n");
}

}  // namespace runnel::test
