// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/initial_parameters.h"

#include <ATen/core/grad_mode.h>

#include "trainer/model/tensor_arena.h"

namespace runnel {

void write_initial_parameters(const TrainedTensors& tensors, const BucketLayout& layout, std::span<float> parameters) {
  const at::NoGradGuard no_grad;
  const TensorArena arena(layout, parameters);
  for (const ModelTensor& one : tensors.all()) {
    if (one.place) arena.tensors()[*one.place].copy_(one.tensor);
  }
}

}  // namespace runnel
