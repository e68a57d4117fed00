// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "trainer/dataset/dataset.h"
#include "trainer/torch/compute_mark.h"

namespace runnel {

/// Makes batches of a data set, in host memory that is allocated once. Thread: one at a time.
class BatchBuilder {
 public:
  /// `dataset` must outlive the builder. Batches are for `device`.
  BatchBuilder(const Dataset& dataset, std::size_t largest_batch, c10::Device device);

  /// The batch of these samples, at most `largest_batch`. Its tensors are valid until the next call. For a GPU the
  /// copies are started and not waited for; the next call waits. Throws as `Dataset::read`.
  Batch build(std::span<const std::uint32_t> samples);

 private:
  const Dataset& dataset_;
  c10::Device device_;
  Batch buffer_;  // pinned for a GPU, so that copies from it are asynchronous
  ComputeMark copied_;
};

}  // namespace runnel
