// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "trainer/compute/objective.h"
#include "trainer/model/model.h"
#include "trainer/model/tensor_arena.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

/// A model on a device, and what it is trained for. Thread: one at a time.
class TrainedModel {
 public:
  /// Throws as `TrainedTensors`.
  TrainedModel(std::unique_ptr<Model> model, std::unique_ptr<Objective> objective, c10::Device device,
               bool exchanges_buffers)
      : model_(std::move(model)), objective_(std::move(objective)), tensors_(*model_, device, exchanges_buffers) {}

  Model& model() { return *model_; }
  Objective& objective() { return *objective_; }
  const Objective& objective() const { return *objective_; }
  TrainedTensors& tensors() { return tensors_; }
  const TrainedTensors& tensors() const { return tensors_; }

  /// Gives the model the values of `arena`, for passes that do not train.
  void use(const TensorArena& arena) {
    tensors_.bind(arena);
    tensors_.copy_buffers(arena);
  }

  c10::Device device() const { return tensors_.device(); }

 private:
  std::unique_ptr<Model> model_;
  std::unique_ptr<Objective> objective_;
  TrainedTensors tensors_;
};

}  // namespace runnel
