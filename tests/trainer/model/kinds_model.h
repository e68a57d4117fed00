// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <vector>

#include "trainer/model/initial_parameters.h"
#include "trainer/model/model.h"
#include "trainer/model/trained_tensors.h"

namespace runnel::test {

/// A model with one tensor of each kind, whose values count from `first` on.
class KindsModel final : public Model {
 public:
  explicit KindsModel(int first) {
    const auto values = [&](at::IntArrayRef shape, at::ScalarType type) {
      return at::arange(first, first + at::zeros(shape).numel(), at::kLong).view(shape).to(type);
    };
    tied_ = values({2, 3}, at::kFloat).requires_grad_();
    parameters_ = {{"embedding", tied_},
                   {"frozen", values({2}, at::kBFloat16)},
                   {"bias", values({3}, at::kFloat).requires_grad_()},
                   {"head", tied_}};
    buffers_ = {{"mean", values({3}, at::kFloat)},
                {"count", values({}, at::kLong)},
                {"precise", values({2}, at::kDouble)},
                {"flags", values({3}, at::kLong).remainder(2).to(at::kBool)}};
  }

  std::vector<NamedTensor> parameters() override { return parameters_; }
  std::vector<NamedTensor> buffers() override { return buffers_; }
  void set_training(bool) override {}
  std::vector<at::Tensor> forward(const Batch&) override { return {}; }

 private:
  at::Tensor tied_;
  std::vector<NamedTensor> parameters_;
  std::vector<NamedTensor> buffers_;
};

/// The model in a process, with the parameters of the exchange.
struct Process {
  explicit Process(int first, bool exchanges_buffers = true)
      : model(first), tensors(model, c10::kCPU, exchanges_buffers), layout(tensors.shapes(), kBlockBytes) {}

  std::vector<float> parameters() const {
    std::vector<float> floats(layout.float_count());
    write_initial_parameters(tensors, layout, floats);
    return floats;
  }

  at::Tensor value(const std::string& name) const {
    for (const ModelTensor& one : tensors.all()) {
      if (std::ranges::find(one.names, name) != one.names.end()) return one.tensor;
    }
    return {};
  }

  KindsModel model;
  TrainedTensors tensors;
  BucketLayout layout;
};

}  // namespace runnel::test
