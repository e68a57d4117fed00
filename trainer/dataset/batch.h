// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trainer/dataset/idx_dataset.h"
#include "trainer/torch/compute_mark.h"

namespace runnel {

/// Images, float32 [n, 1, 28, 28], and their labels, int64 [n].
struct Batch {
  at::Tensor images;
  at::Tensor labels;

  std::int64_t size() const { return labels.numel(); }
};

/// Makes batches from a dataset's bytes, in host memory that is allocated once.
///
/// A pixel p becomes (p / 255 - mean) / deviation, rounded after each operation as in PyTorch's transforms.
/// Thread: one at a time.
class BatchBuilder {
 public:
  /// `normalize` is {mean, deviation}. `dataset` must outlive the builder. Batches are for `device`.
  BatchBuilder(const IdxDataset& dataset, std::size_t largest_batch, const std::array<double, 2>& normalize,
               c10::Device device);

  /// The batch of these samples, at most `largest_batch`. Its tensors are valid until the next call. For a GPU the
  /// copies are started and not waited for; the next call waits.
  Batch build(std::span<const std::uint32_t> samples);

 private:
  const IdxDataset& dataset_;
  std::array<float, 256> normalized_;  // by pixel value
  c10::Device device_;
  Batch buffer_;  // pinned for a GPU, so that copies from it are asynchronous
  ComputeMark copied_;
};

}  // namespace runnel
