// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/model/local_buffers.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <cstring>

namespace runnel {
namespace {

/// Calls `visit(tensor, offset)` for each of these buffers, and gives the bytes of all.
template <class Visit>
std::size_t for_each_local(const TrainedTensors& tensors, Visit&& visit) {
  std::size_t offset = 0;
  for (const ModelTensor& one : tensors.all()) {
    if (!one.is_buffer || one.place) continue;
    visit(one.tensor, offset);
    offset += one.tensor.nbytes();
  }
  return offset;
}

}  // namespace

std::size_t local_buffer_bytes(const TrainedTensors& tensors) {
  return for_each_local(tensors, [](const at::Tensor&, std::size_t) {});
}

void read_local_buffers(const TrainedTensors& tensors, std::span<std::byte> bytes) {
  for_each_local(tensors, [&](const at::Tensor& tensor, std::size_t offset) {
    const at::Tensor here = tensor.cpu().contiguous();
    if (here.nbytes() > 0) std::memcpy(bytes.data() + offset, here.const_data_ptr(), here.nbytes());
  });
}

void write_local_buffers(const TrainedTensors& tensors, std::span<const std::byte> bytes) {
  const at::NoGradGuard no_grad;
  for_each_local(tensors, [&](const at::Tensor& tensor, std::size_t offset) {
    const at::Tensor here = at::empty(tensor.sizes(), tensor.scalar_type());
    if (here.nbytes() > 0) std::memcpy(here.mutable_data_ptr(), bytes.data() + offset, here.nbytes());
    tensor.copy_(here);
  });
}

}  // namespace runnel
