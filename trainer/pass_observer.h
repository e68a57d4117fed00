// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

namespace runnel {

/// Is told by a step's passes when they need a parameter and when they have made a gradient, so that both can travel
/// while the passes go on.
///
/// `tensor` counts as `Model::parameters()` and `BucketLayout::tensors()` do. Calls come on the thread that makes the
/// passes. What a method throws ends the step and comes out of it unchanged.
class PassObserver {
 public:
  virtual ~PassObserver() = default;

  /// Forward: `tensor` is read next, and until the end of the step. May block until its values are in memory.
  virtual void before_use(std::size_t tensor) = 0;

  /// Backward: all bytes of the gradient of `tensor` are in memory and final. The last layer's come first.
  virtual void gradient_ready(std::size_t tensor) = 0;
};

}  // namespace runnel
