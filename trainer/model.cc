// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model.h"

#include <ATen/Context.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <array>

#include "runtime/exit_status.h"

namespace runnel {
namespace {

/// Takes over the parameters of a LibTorch module, under the names that PyTorch gives them.
std::vector<Model::Parameter> parameters_of(const torch::nn::Module& module) {
  std::vector<Model::Parameter> parameters;
  for (const auto& parameter : module.named_parameters()) {
    parameters.push_back({parameter.key(), parameter.value()});
  }
  return parameters;
}

/// Two convolutions and two linear layers for 28x28 grey images: the network of PyTorch's MNIST example.
class MnistCnn final : public Model {
 public:
  explicit MnistCnn(const std::array<double, 2>& dropout) : dropout_(dropout) { parameters_ = parameters_of(layers_); }

  at::Tensor forward(const at::Tensor& images, bool training) override {
    // In place: nothing else reads the values before a relu, and the largest activations exist once instead of twice.
    at::Tensor x = layers_.conv1(images).relu_();
    x = layers_.conv2(x).relu_();
    x = at::max_pool2d(x, 2);
    x = at::dropout(x, dropout_[0], training).flatten(1);
    x = layers_.fc1(x).relu_();
    x = at::dropout(x, dropout_[1], training);
    return at::log_softmax(layers_.fc2(x), 1);
  }

 private:
  struct Layers : torch::nn::Module {
    torch::nn::Conv2d conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 32, 3)));
    torch::nn::Conv2d conv2 = register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 64, 3)));
    torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(9216, 128));
    torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(128, 10));
  };

  Layers layers_;
  std::array<double, 2> dropout_;
};

}  // namespace

std::vector<BucketLayout::Tensor> Model::shapes() const {
  std::vector<BucketLayout::Tensor> shapes;
  for (const Parameter& parameter : parameters_) {
    shapes.push_back({parameter.name, parameter.tensor.sizes().vec()});
  }
  return shapes;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, std::uint64_t seed) {
  at::manual_seed(seed);
  if (config.name == "mnist-cnn") {
    return std::make_unique<MnistCnn>(config.dropout);
  }
  throw RunError(ExitStatus::bad_configuration, "model.name: expected \"mnist-cnn\", found \"" + config.name + "\"");
}

}  // namespace runnel
