// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/pass_observer.h"

namespace runnel {

class TensorArena;
class TrainingStep;

/// A network that classifies images, as training and evaluation use it.
///
/// The tensors in `parameters()` are leaves of autograd; their memory may be exchanged at any time between two passes
/// (tensor_arena.h). A backward pass sets the gradients of those that took part in the forward pass: it overwrites what
/// the memory of a gradient holds. Thread: one at a time; the CPU's backward pass runs in the thread that calls it, a
/// GPU's in one of LibTorch.
class Model {
 public:
  struct Parameter {
    std::string name;
    at::Tensor tensor;
  };

  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Log-probabilities [n, classes] of images [n, 1, 28, 28] on `device()`. `training` switches dropout on, which draws
  /// from LibTorch's default generator.
  virtual at::Tensor forward(const at::Tensor& images, bool training) = 0;

  /// Every parameter, in the order of registration: the order of the flattened tensors.
  const std::vector<Parameter>& parameters() const { return parameters_; }

  /// The device of the parameters and the passes.
  c10::Device device() const { return parameters_.front().tensor.device(); }

  /// Names and shapes of the parameters, for a `BucketLayout`.
  std::vector<BucketLayout::Tensor> shapes() const;

 protected:
  /// `parameters` are leaves of autograd that nothing else uses.
  explicit Model(std::vector<Parameter> parameters);

  /// Parameter `tensor`, for immediate use: a forward pass gets each parameter from here when it needs it.
  const at::Tensor& use(std::size_t tensor);

 private:
  friend class TrainingStep;

  std::vector<Parameter> parameters_;
  TrainingStep* step_ = nullptr;
};

/// A step's forward and backward pass, complete for an observer whatever part of the parameters the passes use: each
/// tensor is reported once before its first use, and once with its gradient, which is then in its place.
class TrainingStep {
 public:
  /// Passes of `model` in the scope of this belong to the step. `gradients` are bound to the model; `observer` may be
  /// null. The arguments outlive this.
  TrainingStep(Model& model, const TensorArena& gradients, PassObserver* observer);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  /// After the forward pass: gradients may be written once every tensor was reported.
  void end_forward();

  /// After the backward pass, which leaves the gradients of parameters that took no part as they were: those of an
  /// older step. They become zero.
  void end_backward();

  /// Bytes of gradients that autograd put elsewhere, and that were copied to their places.
  std::uint64_t staged_bytes() const { return staged_bytes_; }

 private:
  friend class Model;

  void before_use(std::size_t tensor);
  void gradient_ready(std::size_t tensor);
  void collect(std::size_t tensor);

  Model& model_;
  const TensorArena& gradients_;
  PassObserver* observer_;
  std::vector<bool> used_;   // by tensor
  std::vector<bool> ready_;  // by tensor
  std::uint64_t staged_bytes_ = 0;
};

/// The model named `config.name`, initialised by LibTorch from `seed`: on every device with the values that PyTorch
/// gives the same modules on the CPU after `torch.manual_seed(seed)`.
std::unique_ptr<Model> make_model(const ModelConfig& config, std::uint64_t seed,
                                  c10::Device device = c10::DeviceType::CPU);

}  // namespace runnel
