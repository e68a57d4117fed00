// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "runtime/reduction/host_reducer.h"
#include "trainer/compute/gradient_computer.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/initial_parameters.h"
#include "trainer/model/kernel_choice.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/run/registry.h"
#include "trainer/torch/torch_setup.h"

/// The arithmetic of a job against PyTorch's. tests/trainer/fixtures/parity.json holds what PyTorch computed: the loss
/// of each trainer's batch in order, and norms and samples of the parameters.
namespace runnel {
namespace {

double norm(std::span<const float> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0, std::plus<>(),
                                      [](double a, double b) { return a * b; }));
}

class ParityTest : public testing::Test {
 protected:
  ParityTest() {
    set_torch_threads(1);
    fixture_ = nlohmann::json::parse(std::ifstream(RUNNEL_FIXTURE_FOLDER "/parity.json"));
    config_.trainer.count = fixture_["trainers"];
    config_.trainer.batch_size = fixture_["batch_size"];
    config_.run.seed = fixture_["seed"];
    config_.data.shuffle = Shuffle::no;
    config_.model = parse_config("[model]\noptions = { dropout = [0.0, 0.0] }", "test.toml").model;
    model_.reset(new TrainedModel(Registry().make_model(config_)));
    layout_ = std::make_unique<BucketLayout>(model_->tensors().shapes(), 1 << 20);
  }

  std::span<const float> tensor(const std::vector<float>& memory, const TensorPlace& place) const {
    return std::span(memory).subspan(place.bytes.begin / sizeof(float), place.bytes.size() / sizeof(float));
  }

  nlohmann::json fixture_;
  Config config_;
  KernelChoice kernels_{KernelSet::own};
  std::unique_ptr<TrainedModel> model_;
  std::unique_ptr<BucketLayout> layout_;
};

TEST_F(ParityTest, StartsFromPyTorchsParameters) {
  std::vector<float> parameters(layout_->float_count());
  write_initial_parameters(model_->tensors(), *layout_, parameters);
  for (const TensorPlace& place : layout_->tensors()) {
    const auto& expected = fixture_["tensors"][place.name];
    EXPECT_EQ(expected["shape"].get<std::vector<std::int64_t>>(), place.shape);
    EXPECT_NEAR(norm(tensor(parameters, place)) / expected["initial_norm"].get<double>(), 1, 1e-7) << place.name;
  }
}

TEST_F(ParityTest, TenStepsOfTwoTrainersEndAsPyTorchs) {
  const std::size_t floats = layout_->float_count();
  std::array<std::vector<float>, 2> parameters = {std::vector<float>(floats), std::vector<float>(floats)};
  std::array<std::vector<float>, 2> gradients = {std::vector<float>(floats), std::vector<float>(floats)};
  const std::array<TensorArena, 2> parameter_arenas = {TensorArena(*layout_, parameters[0]),
                                                       TensorArena(*layout_, parameters[1])};
  const std::array<TensorArena, 2> gradient_arenas = {TensorArena(*layout_, gradients[0]),
                                                      TensorArena(*layout_, gradients[1])};
  const IdxDataset data({.folder = RUNNEL_MNIST_FOLDER, .split = Split::train});
  const RunPlan plan({.samples = 60000, .seats = 2, .batch_size = config_.trainer.batch_size});
  TrainingBatches batches(data, plan, config_, {.count = 2}, c10::kCPU);
  std::array<GradientComputer, 2> trainers = {GradientComputer(*model_, batches, config_, 0),
                                              GradientComputer(*model_, batches, config_, 1)};
  HostReducer reducer({floats}, config_.optimizer, 1, SumTree(deal_seats(2, 2)));
  write_initial_parameters(model_->tensors(), *layout_, parameters[0]);

  const std::size_t steps = fixture_["steps"];
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t now = step % 2;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto result =
          trainers[i].compute(static_cast<std::int64_t>(step), parameter_arenas[now], gradient_arenas[i]);
      EXPECT_NEAR(result.loss, fixture_["losses"][2 * step + i].get<double>(), 2e-6) << "step " << step;
    }
    const std::array<const float*, 2> slots = {gradients[0].data(), gradients[1].data()};
    reducer.begin_step(config_.optimizer.lr, static_cast<std::int64_t>(step) + 1, parameters[now].data(),
                       parameters[1 - now].data(), slots);
    for (std::size_t bucket = 0; bucket < layout_->bucket_count(); ++bucket) {
      reducer.reduce(layout_->bucket(bucket));
    }
    reducer.finish_step();
  }

  for (const TensorPlace& place : layout_->tensors()) {
    const auto& expected = fixture_["tensors"][place.name];
    const auto found = tensor(parameters[steps % 2], place);
    EXPECT_NEAR(norm(found) / expected["final_norm"].get<double>(), 1, 1e-6) << place.name;
    const auto samples = expected["final_samples"].get<std::vector<double>>();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::size_t element = i * found.size() / samples.size();
      EXPECT_NEAR(found[element], samples[i], 1e-5 + 1e-4 * std::abs(samples[i]))
          << place.name << "[" << element << "]";
    }
  }
}

}  // namespace
}  // namespace runnel
