// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/batch.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace runnel {

BatchBuilder::BatchBuilder(const IdxDataset& dataset, std::size_t largest_batch, const std::array<double, 2>& normalize)
    : dataset_(dataset) {
  const auto mean = static_cast<float>(normalize[0]);
  const auto deviation = static_cast<float>(normalize[1]);
  for (std::size_t pixel = 0; pixel < normalized_.size(); ++pixel) {
    normalized_[pixel] = (static_cast<float>(pixel) / 255.0F - mean) / deviation;
  }
  const auto most = static_cast<std::int64_t>(std::min(largest_batch, dataset.size()));
  buffer_.images =
      at::empty({most, 1, std::int64_t{IdxDataset::kRows}, std::int64_t{IdxDataset::kColumns}}, at::kFloat);
  buffer_.labels = at::empty({most}, at::kLong);
}

Batch BatchBuilder::build(std::span<const std::uint32_t> samples) {
  float* pixels = buffer_.images.mutable_data_ptr<float>();
  std::int64_t* labels = buffer_.labels.mutable_data_ptr<std::int64_t>();
  for (const std::uint32_t sample : samples) {
    pixels = std::transform(dataset_.image(sample).begin(), dataset_.image(sample).end(), pixels,
                            [this](std::uint8_t pixel) { return normalized_[pixel]; });
    *labels++ = dataset_.label(sample);
  }
  const auto count = static_cast<std::int64_t>(samples.size());
  return {buffer_.images.narrow(0, 0, count), buffer_.labels.narrow(0, 0, count)};
}

}  // namespace runnel
