// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/protocol/bucket_layout.h"
#include "trainer/model/model.h"

namespace runnel {

class TensorArena;
class TrainingStep;

/// A parameter or buffer of a model.
struct ModelTensor {
  std::vector<std::string> names;  ///< in state_dict: one, or those of a tied tensor
  at::Tensor tensor;
  bool is_buffer = false;
  std::optional<std::size_t> place = {};  ///< in the layout; nothing: each process has its own value
};

/// The tensors of a model that training changes, as an exchange has them: between two passes their values become views
/// of other memory, and a `TrainingStep` puts their gradients where they are wanted.
///
/// Thread: that of the model; on a GPU hooks come on LibTorch's thread for the device.
class TrainedTensors {
 public:
  /// Moves all of the model's tensors to `device` and sets the hooks of those that are trained. With
  /// `exchanges_buffers` the layout has the float32 buffers as well, after the parameters. Two names of one tensor are
  /// one tensor. The hooks call this object, so it outlives all passes that need gradients.
  ///
  /// Throws `RunError` (78) for a model that trains nothing; with its name for a trained tensor that is not float32,
  /// dense, a leaf of autograd, or has no elements; with both names for a tensor that shares memory with a trained one
  /// or, but for another name of the same tensor, with a buffer.
  TrainedTensors(Model& model, c10::Device device, bool exchanges_buffers);
  TrainedTensors(const TrainedTensors&) = delete;
  TrainedTensors& operator=(const TrainedTensors&) = delete;

  c10::Device device() const { return device_; }

  /// What is trained, in the order of the layout.
  const std::vector<NamedTensor>& trained() const { return trained_; }

  /// The buffers that follow in the layout, with the rule `average`.
  const std::vector<NamedTensor>& buffers() const { return buffers_; }

  /// Everything that state_dict holds, parameters first. A tensor with a place has its value in the arena that it was
  /// bound to or copied from.
  const std::vector<ModelTensor>& all() const { return all_; }

  /// Names, shapes and rules of what has a place, for a `BucketLayout`.
  std::vector<BucketLayout::Tensor> shapes() const;

  /// Makes the values of what is trained views into `arena`, which passes only read. Copies nothing. Not between a
  /// forward pass and its backward pass.
  void bind(const TensorArena& arena) const;

  /// Copies the values of buffers(), which passes write, from `arena`.
  void copy_buffers(const TensorArena& arena) const;

  /// Position of a trained tensor, or nothing for any other tensor.
  std::optional<std::size_t> index_of(const at::TensorImpl* tensor) const;

 private:
  friend class TrainingStep;

  void add(const NamedTensor& parameter);
  void require_own_memory(const std::vector<NamedTensor>& tensors) const;
  static void require_own_buffers(const std::vector<NamedTensor>& parameters, const std::vector<NamedTensor>& buffers);
  void set_hook(std::size_t tensor);
  ModelTensor& keep(const NamedTensor& tensor, bool is_buffer);

  c10::Device device_;
  std::vector<NamedTensor> trained_;
  std::vector<NamedTensor> buffers_;
  std::vector<ModelTensor> all_;
  std::unordered_map<const at::TensorImpl*, std::size_t> index_;
  std::unordered_map<const at::TensorImpl*, std::size_t> all_index_;
  TrainingStep* step_ = nullptr;  // whose passes are being made
};

}  // namespace runnel
