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

void BatchBuilder::read(const Selection& selection) {
  host_ = {};
  for (const at::Tensor& field : buffer_.fields) {
    host_.fields.push_back(field.narrow(0, 0, static_cast<std::int64_t>(selection.samples.size())));
  }
  host_.seed = selection.seed;
  if (!selection.samples.empty()) dataset_.read(selection.samples, host_);
}

Batch BatchBuilder::batch() {
  Batch batch;
  for (const at::Tensor& field : host_.fields) {
    batch.fields.push_back(field.to(device_, field.scalar_type(), /*non_blocking=*/true));
  }
  copied_.set();
  return batch;
}

Batch BatchBuilder::build(const Selection& selection) {
  reclaim();
  read(selection);
  return batch();
}

}  // namespace runnel
