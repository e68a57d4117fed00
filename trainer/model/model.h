// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "trainer/dataset/batch.h"

namespace runnel {

/// A tensor of a model, under the name that PyTorch's state_dict gives it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// What is trained: any computation of LibTorch on parameters and a batch.
///
/// Between passes Runnel exchanges the memory of its tensors, by `set_data`, and it takes each gradient as soon as
/// autograd has it: a model keeps no reference to either. Random numbers come from LibTorch's default generators only,
/// which are seeded before each pass. Thread: one at a time.
class Model {
 public:
  virtual ~Model() = default;

  /// All parameters. Those that require a gradient are trained: float32, dense, leaves of autograd. Two names of one
  /// tensor are one parameter. Called once; the order is that of the layout.
  virtual std::vector<NamedTensor> parameters() = 0;

  /// Tensors that training passes write and nobody optimizes, such as BatchNorm's statistics. Called once.
  virtual std::vector<NamedTensor> buffers() { return {}; }

  /// Whether the passes after this call train: switches dropout and the like.
  virtual void set_training(bool training) = 0;

  /// The outputs for `batch`, as the objective takes them. Need not use every parameter.
  virtual std::vector<at::Tensor> forward(const Batch& batch) = 0;
};

}  // namespace runnel
