// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// A view of one memory area as a model's tensors: of a slot, a parameter buffer, or plain memory.
///
/// The caller owns the memory and keeps it alive and in place for as long as the arena or a tensor bound to it is used.
class TensorArena {
 public:
  /// Views into `memory` of `device`, which holds `layout.float_count()` floats.
  TensorArena(const BucketLayout& layout, std::span<float> memory, c10::Device device = c10::DeviceType::CPU);

  const std::vector<at::Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<at::Tensor> tensors_;  // in the order of the layout
};

/// An arena with its own memory, initially zero.
struct OwnedArena {
  OwnedArena(const BucketLayout& layout, c10::Device device);

  at::Tensor floats;  ///< all tensors, one after the other
  TensorArena arena;
};

}  // namespace runnel
