// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// A program with a model and a data set of its own: it learns a function of two variables.
#include <cmath>

#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"
#include "trainer/program/run_program.h"

namespace {

struct Regressor : torch::nn::Module {
  explicit Regressor(std::int64_t width) : hidden(2, width), last(width, 1) {
    register_module("hidden", hidden);
    register_module("last", last);
  }

  at::Tensor forward(const at::Tensor& points) { return last(hidden(points).tanh()); }

  runnel::Linear hidden, last;
};

/// Points (a, b) of the unit square, computed from the sample's index, and sin(2 pi a) b. The test has other points.
class Surface final : public runnel::Dataset {
 public:
  Surface(std::int64_t size, std::int64_t first) : size_(size), first_(first) {}

  std::int64_t size() const override { return size_; }
  const std::vector<Field>& fields() const override { return fields_; }

  void read(std::span<const std::uint32_t> samples, runnel::Batch& batch) const override {
    auto* point = batch.fields[0].mutable_data_ptr<float>();
    auto* value = batch.fields[1].mutable_data_ptr<float>();
    for (const std::uint32_t sample : samples) {
      // Multiples of these two numbers fill the square evenly (the R2 sequence).
      const auto index = static_cast<double>(first_ + sample);
      const double a = std::fmod(0.7548776662466927 * index, 1);
      const double b = std::fmod(0.5698402909980532 * index, 1);
      *point++ = static_cast<float>(a);
      *point++ = static_cast<float>(b);
      *value++ = static_cast<float>(std::sin(2 * M_PI * a) * b);
    }
  }

 private:
  std::int64_t size_, first_;
  std::vector<Field> fields_ = {{"point", at::kFloat, {2}}, {"value", at::kFloat, {1}}};
};

}  // namespace

int main(int argc, char** argv) {
  using runnel::Registry;
  Registry registry;
  registry.add_model("regressor", [](const Registry::ModelPlan& plan) {
    return runnel::make_module_model<Regressor>(plan.options.integer("width", 32, {1, 4096}));
  });
  registry.add_dataset("surface", [](const Registry::DataPlan& plan) {
    const std::int64_t train = plan.options.integer("train_samples", 4096, {1, 1 << 24});
    const std::int64_t test = plan.options.integer("test_samples", 1000, {1, 1 << 24});
    const bool for_test = plan.split == runnel::Split::test;
    return std::make_unique<Surface>(for_test ? test : train, for_test ? train : 0);
  });
  return runnel::run_program(argc, argv, registry);
}
