// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/model.h"

#include <ATen/Context.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/relu.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <array>
#include <functional>
#include <utility>

#include "trainer/model/dropout.h"
#include "trainer/model/linear.h"
#include "trainer/model/max_pool.h"
#include "trainer/model/tensor_arena.h"

namespace runnel {
namespace {

/// The parameters of a LibTorch module, with the names that PyTorch gives them.
std::vector<Model::Parameter> parameters_of(const torch::nn::Module& module, c10::Device device) {
  std::vector<Model::Parameter> parameters;
  for (const auto& parameter : module.named_parameters()) {
    parameters.push_back({parameter.key(), parameter.value().detach().to(device).requires_grad_()});
  }
  return parameters;
}

/// Common parts of the networks for 28x28 grey images.
class MnistModel : public Model {
 protected:
  /// `layers` has weight and bias of each layer in the order of their use.
  MnistModel(const torch::nn::Module& layers, const std::array<double, 2>& dropout, c10::Device device)
      : Model(parameters_of(layers, device)), dropout_(dropout) {}

  at::Tensor convolution(std::size_t layer, const at::Tensor& x) {
    const at::Tensor& weight = use(2 * layer);
    return at::conv2d(x, weight, use(2 * layer + 1));
  }

  at::Tensor dense(std::size_t layer, const at::Tensor& x) {
    const at::Tensor& weight = use(2 * layer);
    return runnel::linear(x, weight, use(2 * layer + 1));
  }

  at::Tensor drop(std::size_t share, const at::Tensor& x, bool training) const {
    return runnel::dropout(x, dropout_[share], training);
  }

 private:
  std::array<double, 2> dropout_;
};

/// Two convolutions and two linear layers: the network of PyTorch's MNIST example.
class MnistCnn final : public MnistModel {
 public:
  MnistCnn(const std::array<double, 2>& dropout, c10::Device device) : MnistModel(Layers(), dropout, device) {}

  at::Tensor forward(const at::Tensor& images, bool training) override {
    // In place: nothing else reads the input of a relu, so the largest activations are stored once, not twice.
    at::Tensor x = convolution(0, images).relu_();
    // The network has the relu before the pool. After the pool it gives the same bits from a quarter of the values.
    x = max_pool_2x2(convolution(1, x)).relu_();
    x = drop(0, x, training).flatten(1);
    x = drop(1, dense(2, x).relu_(), training);
    return at::log_softmax(dense(3, x), 1);
  }

 private:
  /// Constructed once, for its names, shapes and initial values.
  struct Layers : torch::nn::Module {
    torch::nn::Conv2d conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 32, 3)));
    torch::nn::Conv2d conv2 = register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(32, 64, 3)));
    torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(9216, 128));
    torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(128, 10));
  };
};

/// Three linear layers, 30 million parameters: to measure the cost of moving them.
class MnistMlp final : public MnistModel {
 public:
  MnistMlp(const std::array<double, 2>& dropout, c10::Device device) : MnistModel(Layers(), dropout, device) {}

  at::Tensor forward(const at::Tensor& images, bool training) override {
    at::Tensor x = drop(0, dense(0, images.flatten(1)).relu_(), training);
    x = drop(1, dense(1, x).relu_(), training);
    return at::log_softmax(dense(2, x), 1);
  }

 private:
  struct Layers : torch::nn::Module {
    torch::nn::Linear fc1 = register_module("fc1", torch::nn::Linear(784, 5120));
    torch::nn::Linear fc2 = register_module("fc2", torch::nn::Linear(5120, 5120));
    torch::nn::Linear fc3 = register_module("fc3", torch::nn::Linear(5120, 10));
  };
};

/// Calls a function when autograd has completed a parameter's gradient.
class AfterGradient final : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit AfterGradient(std::function<void()> call) : call_(std::move(call)) {}

  void operator()(const at::Tensor&) override { call_(); }

 private:
  std::function<void()> call_;
};

}  // namespace

Model::Model(std::vector<Parameter> parameters) : parameters_(std::move(parameters)) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor& tensor = parameters_[i].tensor;
    // Autograd adds a gradient to what its memory holds, which here is that of an older step. (What `linear` writes
    // does not come by here.)
    tensor.register_hook([this, i](const at::Tensor&) {
      at::Tensor& memory = parameters_[i].tensor.mutable_grad();
      if (memory.defined()) memory.zero_();
    });
    const auto report = [this, i] {
      if (step_ != nullptr) step_->gradient_ready(i);
    };
    torch::autograd::impl::set_post_acc_grad_hooks(tensor, std::make_unique<AfterGradient>(report));
  }
}

const at::Tensor& Model::use(std::size_t tensor) {
  if (step_ != nullptr) step_->before_use(tensor);
  return parameters_[tensor].tensor;
}

std::vector<BucketLayout::Tensor> Model::shapes() const {
  std::vector<BucketLayout::Tensor> shapes;
  for (const Parameter& parameter : parameters_) {
    shapes.push_back({parameter.name, parameter.tensor.sizes().vec()});
  }
  return shapes;
}

TrainingStep::TrainingStep(Model& model, const TensorArena& gradients, PassObserver* observer)
    : model_(model),
      gradients_(gradients),
      observer_(observer),
      used_(gradients.tensors().size()),
      ready_(gradients.tensors().size()) {
  model_.step_ = this;
}

TrainingStep::~TrainingStep() {
  model_.step_ = nullptr;
}

void TrainingStep::before_use(std::size_t tensor) {
  if (used_[tensor]) return;
  used_[tensor] = true;
  if (observer_ != nullptr) observer_->before_use(tensor);
}

void TrainingStep::gradient_ready(std::size_t tensor) {
  ready_[tensor] = true;
  collect(tensor);
  if (observer_ != nullptr) observer_->gradient_ready(tensor);
}

/// Copies a gradient to its place where autograd left it elsewhere.
void TrainingStep::collect(std::size_t tensor) {
  const at::Tensor& gradient = model_.parameters()[tensor].tensor.grad();
  const at::Tensor& place = gradients_.tensors()[tensor];
  if (gradient.const_data_ptr() == place.const_data_ptr()) return;
  place.copy_(gradient);
  staged_bytes_ += gradient.nbytes();
}

void TrainingStep::end_forward() {
  for (std::size_t tensor = 0; tensor < used_.size(); ++tensor) before_use(tensor);
}

void TrainingStep::end_backward() {
  for (std::size_t tensor = ready_.size(); tensor-- > 0;) {
    if (ready_[tensor]) continue;
    gradients_.tensors()[tensor].zero_();
    if (observer_ != nullptr) observer_->gradient_ready(tensor);
  }
}

std::unique_ptr<Model> make_model(const ModelConfig& config, std::uint64_t seed, c10::Device device) {
  at::manual_seed(seed);
  switch (config.name) {
    case NetworkKind::mnist_cnn:
      return std::make_unique<MnistCnn>(config.dropout, device);
    case NetworkKind::mnist_mlp:
      break;
  }
  return std::make_unique<MnistMlp>(config.dropout, device);
}

}  // namespace runnel
