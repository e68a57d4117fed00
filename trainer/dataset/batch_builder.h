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

/// What a batch is made from.
struct Selection {
  std::span<const std::uint32_t> samples;  ///< indices into the data set
  std::uint64_t seed = 0;                  ///< as of `Batch`
};

/// Makes batches of a data set, in host memory that is allocated once. A batch is `read`, then given out by `batch`,
/// and its memory is given back by `reclaim`.
///
/// Thread: one at a time; `read` may be called by another one than the others, which are the computing thread's.
class BatchBuilder {
 public:
  /// `dataset` must outlive the builder. Batches are for `device`.
  BatchBuilder(const Dataset& dataset, std::size_t largest_batch, c10::Device device);

  /// Reads the samples of `selection`, at most `largest_batch`, into host memory. Starts no work on a GPU. Throws as
  /// `Dataset::read`, which is not called without samples.
  void read(const Selection& selection);

  /// What was read, on the device. Valid until `reclaim`. For a GPU the copies are started and not waited for.
  Batch batch();

  /// Waits for the copies of the last batch, so that its memory can be written.
  void reclaim() { copied_.wait(); }

  /// All three: the batch of these samples, valid until the next call.
  Batch build(const Selection& selection);

 private:
  const Dataset& dataset_;
  c10::Device device_;
  Batch buffer_;  // pinned for a GPU, so that copies from it are asynchronous
  Batch host_;    // the part of it that holds what was read
  ComputeMark copied_;
};

}  // namespace runnel
