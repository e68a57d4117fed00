// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <utility>

#include "trainer/model/model.h"

namespace runnel {

/// A `torch::nn::Module` whose `forward` takes the batch's first field and gives one tensor.
template <class Module>
class ModuleModel final : public Model {
 public:
  explicit ModuleModel(std::shared_ptr<Module> module) : module_(std::move(module)) {}

  std::vector<NamedTensor> parameters() override { return named(module_->named_parameters()); }
  std::vector<NamedTensor> buffers() override { return named(module_->named_buffers()); }
  void set_training(bool training) override { module_->train(training); }
  std::vector<at::Tensor> forward(const Batch& batch) override { return {module_->forward(batch.fields.front())}; }

 private:
  static std::vector<NamedTensor> named(const torch::OrderedDict<std::string, at::Tensor>& tensors) {
    std::vector<NamedTensor> all;
    for (const auto& item : tensors) all.push_back({item.key(), item.value()});
    return all;
  }

  std::shared_ptr<Module> module_;
};

/// A model of the module `Module(arguments…)`.
template <class Module, class... Arguments>
std::unique_ptr<Model> make_module_model(Arguments&&... arguments) {
  return std::make_unique<ModuleModel<Module>>(std::make_shared<Module>(std::forward<Arguments>(arguments)...));
}

}  // namespace runnel
