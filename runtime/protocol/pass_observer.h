// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace runnel {

/// Is notified by a step's passes when they need a parameter and when a gradient is complete, so that both can be
/// transferred while the passes continue.
///
/// `tensor` counts as `Model::parameters()` and `BucketLayout::tensors()` do. What a method throws ends the step and
/// comes out of it unchanged. Thread: that which makes the passes; but on a GPU `gradient_ready` may come on LibTorch's
/// thread for the device, while the former waits for the backward pass to be given.
class PassObserver {
 public:
  virtual ~PassObserver() = default;

  /// Forward: `tensor` is read next, and until the end of the step. May block until its values are in memory, or, on a
  /// GPU, until the compute stream waits for them.
  virtual void before_use(std::size_t tensor) = 0;

  /// Backward: all bytes of the gradient of `tensor` are in memory and final; on a GPU, as soon as the compute stream
  /// has done what it has been given. The last layer's come first.
  virtual void gradient_ready(std::size_t tensor) = 0;
};

}  // namespace runnel
