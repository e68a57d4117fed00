// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/sample_check.h"

#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "trainer/compute/pass_error.h"
#include "trainer/dataset/batch_builder.h"
#include "trainer/model/training_step.h"

namespace runnel {
namespace {

/// What a training pass changes.
class KeptState {
 public:
  explicit KeptState(const TrainedTensors& tensors) : tensors_(tensors) {
    for (const ModelTensor& one : tensors.all()) {
      if (one.is_buffer) buffers_.emplace_back(one.tensor, one.tensor.clone());
    }
    keep_generator(c10::kCPU);
    if (tensors.device() != c10::kCPU) keep_generator(tensors.device());
  }

  void restore() const {
    const at::NoGradGuard no_grad;
    for (const NamedTensor& one : tensors_.trained()) one.tensor.mutable_grad().reset();
    for (const auto& [buffer, value] : buffers_) buffer.copy_(value);
    for (const auto& [generator, state] : generators_) at::Generator(generator).set_state(state);
  }

 private:
  void keep_generator(c10::Device device) {
    const at::Generator& generator = at::globalContext().defaultGenerator(device);
    generators_.emplace_back(generator, generator.get_state());
  }

  const TrainedTensors& tensors_;
  std::vector<std::pair<at::Tensor, at::Tensor>> buffers_;
  std::vector<std::pair<at::Generator, at::Tensor>> generators_;
};

void train(TrainedModel& model, const Batch& batch) {
  model.model().set_training(true);
  model.objective().loss(model.model().forward(batch), batch).backward();
  for (const NamedTensor& one : model.tensors().trained()) require_dense_gradient(one);
}

}  // namespace

void check_training_pass(TrainedModel& model, const Dataset& dataset, const Config& config) {
  constexpr std::array<std::uint32_t, 2> kFirst = {0, 1};
  const std::int64_t count =
      std::min({static_cast<std::int64_t>(kFirst.size()), config.trainer.batch_size, dataset.size()});
  BatchBuilder builder(dataset, kFirst.size(), model.device());
  const Batch batch = builder.build({.samples = std::span(kFirst).first(static_cast<std::size_t>(count))});
  const KeptState kept(model.tensors());
  make_pass([&] { train(model, batch); }, pass_name(config),
            "a training pass of the first " + (count == 1 ? "sample" : std::to_string(count) + " samples"));
  kept.restore();
  check_test_pass(model, dataset, config);
}

void check_test_pass(TrainedModel& model, const Dataset& dataset, const Config& config) {
  const c10::InferenceMode no_autograd;
  BatchBuilder builder(dataset, /*largest_batch=*/1, model.device());
  const std::array<std::uint32_t, 1> first = {0};
  const Batch batch = builder.build({.samples = first});
  model.model().set_training(false);
  Score score;
  make_pass([&] { model.objective().add_to(score, model.model().forward(batch), batch); }, pass_name(config),
            "a test of the first sample");
}

}  // namespace runnel
