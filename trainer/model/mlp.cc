// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/mlp.h"

#include <ATen/ops/dropout.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"

namespace runnel {
namespace {

struct Mlp : torch::nn::Module {
  Mlp(const std::vector<std::int64_t>& widths, double dropout_share) : dropout(dropout_share) {
    for (std::size_t i = 1; i < widths.size(); ++i) {
      layers.push_back(register_module("fc" + std::to_string(i), Linear(widths[i - 1], widths[i])));
    }
  }

  at::Tensor forward(const at::Tensor& samples) {
    at::Tensor x = layers.front()(samples.flatten(1));
    for (std::size_t i = 1; i < layers.size(); ++i) x = layers[i](at::dropout(x.relu_(), dropout, is_training()));
    return x;
  }

  double dropout;
  std::vector<Linear> layers;
};

}  // namespace

std::unique_ptr<Model> make_mlp(const Options& options) {
  constexpr OptionRange<std::int64_t> kWidth = {.min = 1, .max = 1 << 20};
  constexpr double kBelowOne = 1 - 1e-9;
  std::vector<std::int64_t> widths = options.integers("hidden", {256, 256}, kWidth);
  widths.insert(widths.begin(), options.integer("inputs", 784, kWidth));
  widths.push_back(options.integer("outputs", 10, kWidth));
  return make_module_model<Mlp>(widths, options.number("dropout", 0, {.min = 0, .max = kBelowOne}));
}

}  // namespace runnel
