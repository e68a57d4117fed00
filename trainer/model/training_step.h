// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <vector>

#include "runtime/protocol/pass_observer.h"
#include "trainer/model/trained_tensors.h"

namespace runnel {

class FirstReads;
class TensorArena;

/// Throws `RunError` (78) where the gradient of `parameter` is sparse: the exchange moves whole tensors.
void require_dense_gradient(const NamedTensor& parameter);

/// A step's forward and backward pass, complete for an observer whatever part of the parameters the passes use: each
/// tensor is reported once before its first use, and once with its gradient, which is then in its place.
///
/// Autograd makes a gradient in memory of its own, and the hook that comes right after copies it to its place. A layer
/// of Runnel's asks for that place instead and computes the gradient there.
class TrainingStep {
 public:
  /// Passes on `tensors` belong to the step while this lives, one step at a time in a thread. They read `parameters`.
  /// Their gradients are put into `gradients`, and after them the buffers as the pass leaves them, or
  /// without `with_buffers` zeros. `observer` may be null. The arguments outlive this. Throws what the
  /// observer throws.
  TrainingStep(TrainedTensors& tensors, const TensorArena& parameters, const TensorArena& gradients,
               PassObserver* observer, bool with_buffers = true);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  /// That of this thread, or null.
  static TrainingStep* current();

  /// To call after the forward pass: reports the tensors that it did not use, because gradients may only be written
  /// once all are reported. Throws what the observer threw when a tensor was used.
  void end_forward();

  /// To call after the backward pass: hands over the buffers, and zeros for the gradients that it did not make. Throws
  /// what the observer throws.
  void end_backward();

  /// Bytes of gradients that were computed in their places and then added to others elsewhere, and copied back.
  std::uint64_t staged_bytes() const { return staged_bytes_; }

  /// Tensors that the passes did not use; complete after end_backward().
  const std::vector<std::size_t>& unused() const { return unused_; }

  const TrainedTensors& tensors() const { return tensors_; }

  /// The place of the gradient of `tensor`, for the first caller in a backward pass; undefined for later ones. The
  /// caller fills it and returns it to autograd as the gradient. Thread: that of the backward pass.
  at::Tensor claim(std::size_t tensor);

 private:
  friend class TrainedTensors;
  friend class FirstReads;

  void before_use(std::size_t tensor);
  void on_gradient(std::size_t tensor);
  void hand_over_buffers();
  void report(std::size_t tensor);

  TrainedTensors& tensors_;
  const TensorArena& gradients_;
  PassObserver* observer_;
  bool with_buffers_;
  std::vector<bool> used_;     // by tensor
  std::vector<bool> claimed_;  // by tensor
  std::vector<bool> ready_;    // by tensor
  std::size_t used_count_ = 0;
  std::vector<std::size_t> unused_;
  std::exception_ptr error_;  // of the observer, in the forward pass
  std::uint64_t staged_bytes_ = 0;
  std::uint64_t callback_ = 0;  // of LibTorch, while the forward pass is observed
};

}  // namespace runnel
