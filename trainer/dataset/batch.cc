// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace runnel {

BatchBuilder::BatchBuilder(const IdxDataset& dataset, std::size_t largest_batch, const std::array<double, 2>& normalize,
                           c10::Device device)
    : dataset_(dataset), device_(device), copied_(device) {
  const auto mean = static_cast<float>(normalize[0]);
  const auto deviation = static_cast<float>(normalize[1]);
  for (std::size_t pixel = 0; pixel < normalized_.size(); ++pixel) {
    normalized_[pixel] = (static_cast<float>(pixel) / 255.0F - mean) / deviation;
  }
  const auto most = static_cast<std::int64_t>(std::min(largest_batch, dataset.size()));
  const auto host = at::TensorOptions().pinned_memory(device.is_cuda());
  buffer_.images =
      at::empty({most, 1, std::int64_t{IdxDataset::kRows}, std::int64_t{IdxDataset::kColumns}}, host.dtype(at::kFloat));
  buffer_.labels = at::empty({most}, host.dtype(at::kLong));
}

Batch BatchBuilder::build(std::span<const std::uint32_t> samples) {
  copied_.wait();
  float* pixels = buffer_.images.mutable_data_ptr<float>();
  std::int64_t* labels = buffer_.labels.mutable_data_ptr<std::int64_t>();
  for (const std::uint32_t sample : samples) {
    pixels = std::transform(dataset_.image(sample).begin(), dataset_.image(sample).end(), pixels,
                            [this](std::uint8_t pixel) { return normalized_[pixel]; });
    *labels++ = dataset_.label(sample);
  }
  const auto count = static_cast<std::int64_t>(samples.size());
  const auto on_device = [&](const at::Tensor& values) {
    return values.narrow(0, 0, count).to(device_, values.scalar_type(), /*non_blocking=*/true);
  };
  Batch batch = {on_device(buffer_.images), on_device(buffer_.labels)};
  copied_.set();
  return batch;
}

}  // namespace runnel
