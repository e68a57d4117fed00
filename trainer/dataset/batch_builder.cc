// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch_builder.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace runnel {

BatchBuilder::BatchBuilder(const Dataset& dataset, std::size_t largest_batch, c10::Device device)
    : dataset_(dataset), device_(device), copied_(device) {
  const auto host = at::TensorOptions().pinned_memory(device.is_cuda());
  for (const Dataset::Field& field : dataset.fields()) {
    std::vector<std::int64_t> shape = field.shape;
    shape.insert(shape.begin(), std::min(static_cast<std::int64_t>(largest_batch), dataset.size()));
    buffer_.fields.push_back(at::empty(shape, host.dtype(field.type)));
  }
}

Batch BatchBuilder::build(std::span<const std::uint32_t> samples) {
  copied_.wait();
  Batch host;
  for (const at::Tensor& field : buffer_.fields) {
    host.fields.push_back(field.narrow(0, 0, static_cast<std::int64_t>(samples.size())));
  }
  dataset_.read(samples, host);
  Batch batch;
  for (const at::Tensor& field : host.fields) {
    batch.fields.push_back(field.to(device_, field.scalar_type(), /*non_blocking=*/true));
  }
  copied_.set();
  return batch;
}

}  // namespace runnel
