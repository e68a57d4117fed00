// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/initial_parameters.h"

#include <ATen/core/grad_mode.h>

#include <cstddef>

#include "runtime/checkpoint/safetensors.h"
#include "trainer/model/tensor_arena.h"

namespace runnel {

void write_initial_parameters(const ModelConfig& config, const TrainedTensors& tensors, const BucketLayout& layout,
                              std::span<float> parameters) {
  if (!config.init.empty()) {
    load_safetensors(config.init, layout, parameters);
    return;
  }
  const at::NoGradGuard no_grad;
  const TensorArena arena(layout, parameters);
  auto place = arena.tensors().begin();
  for (const auto* part : {&tensors.trained(), &tensors.buffers()}) {
    for (const NamedTensor& tensor : *part) (*place++).copy_(tensor.tensor);
  }
}

}  // namespace runnel
