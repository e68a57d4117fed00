// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/tensor_arena.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <stdexcept>

namespace runnel {
namespace {

void check_size(const BucketLayout& layout, std::span<const float> memory) {
  if (memory.size() != layout.float_count()) {
    throw std::invalid_argument("memory of " + std::to_string(memory.size()) + " floats for a layout of " +
                                std::to_string(layout.float_count()));
  }
}

}  // namespace

TensorArena::TensorArena(const BucketLayout& layout, std::span<float> memory, c10::Device device) {
  check_size(layout, memory);
  const auto options = at::device(device).dtype(at::kFloat);
  for (const TensorPlace& place : layout.tensors()) {
    float* const first = memory.data() + place.bytes.begin / sizeof(float);
    tensors_.push_back(at::for_blob(first, place.shape).options(options).target_device(device).make_tensor());
  }
}

OwnedArena::OwnedArena(const BucketLayout& layout, c10::Device device)
    : floats(at::zeros({static_cast<std::int64_t>(layout.float_count())}, at::device(device).dtype(at::kFloat))),
      arena(layout, {floats.mutable_data_ptr<float>(), layout.float_count()}, device) {}

}  // namespace runnel
