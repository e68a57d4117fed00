// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/mnist_networks.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/nn/modules/conv.h>

#include <vector>

#include "trainer/model/linear_layer.h"
#include "trainer/model/module_model.h"

namespace runnel {
namespace {

std::vector<double> dropout_of(const Options& options) {
  constexpr double kBelowOne = 1 - 1e-9;
  return options.numbers("dropout", {0.25, 0.5}, {0, kBelowOne}, /*fixed=*/true);
}

struct MnistCnn : torch::nn::Module {
  explicit MnistCnn(std::vector<double> shares) : dropout(std::move(shares)) {}

  at::Tensor forward(const at::Tensor& images) {
    // In place: nothing else reads the input of a relu, so the largest activations are stored once, not twice.
    at::Tensor x = conv1(images).relu_();
    // The network has the relu before the pool. After the pool it gives the same bits from a quarter of the values.
    x = at::max_pool2d(conv2(x), 2).relu_();
    x = at::dropout(x, dropout[0], is_training()).flatten(1);
    x = at::dropout(fc1(x).relu_(), dropout[1], is_training());
    return at::log_softmax(fc2(x), 1);
  }

  std::vector<double> dropout;
  torch::nn::Conv2d conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 32, 3)));
  torch::nn::Conv2d conv2 = register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 64, 3)));
  Linear fc1 = register_module("fc1", Linear(9216, 128));
  Linear fc2 = register_module("fc2", Linear(128, 10));
};

struct MnistMlp : torch::nn::Module {
  explicit MnistMlp(std::vector<double> shares) : dropout(std::move(shares)) {}

  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = at::dropout(fc1(images.flatten(1)).relu_(), dropout[0], is_training());
    x = at::dropout(fc2(x).relu_(), dropout[1], is_training());
    return at::log_softmax(fc3(x), 1);
  }

  std::vector<double> dropout;
  Linear fc1 = register_module("fc1", Linear(784, 5120));
  Linear fc2 = register_module("fc2", Linear(5120, 5120));
  Linear fc3 = register_module("fc3", Linear(5120, 10));
};

}  // namespace

std::unique_ptr<Model> make_mnist_cnn(const Options& options) {
  return make_module_model<MnistCnn>(dropout_of(options));
}

std::unique_ptr<Model> make_mnist_mlp(const Options& options) {
  return make_module_model<MnistMlp>(dropout_of(options));
}

}  // namespace runnel
