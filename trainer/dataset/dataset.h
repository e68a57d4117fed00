// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trainer/dataset/batch.h"

namespace runnel {

enum class Split { train, test };

/// Samples that can be read in any order.
///
/// Every process of a job opens the same data; a trainer reads the samples of its share only, and a generator none.
///
/// Thread: `read` is called by one thread at a time, but not always by the one that made the data set: batches are read
/// ahead (data.prefetch) while another thread computes. Size and fields are constant, and asked for at any time.
class Dataset {
 public:
  /// One tensor of every sample: its type and shape as the model receives them.
  struct Field {
    std::string name;
    at::ScalarType type = at::kFloat;
    std::vector<std::int64_t> shape;
  };

  virtual ~Dataset() = default;

  /// The number of samples: at least 1, at most 2^32 - 1.
  virtual std::int64_t size() const = 0;

  /// At least one field.
  virtual const std::vector<Field>& fields() const = 0;

  /// Writes `samples`, indices below size(), into the tensors of `batch`, one a field: contiguous, in host memory, of
  /// the field's type, [samples.size(), shape…]. Throws `RunError` (65) for a sample that cannot be read; the step that
  /// needs the batch throws it then.
  ///
  /// What is written depends on the arguments alone: random changes follow from `batch.seed` and the sample's index.
  /// Another thread may be in a pass meanwhile: do not draw from LibTorch's generators, and avoid operations of
  /// LibTorch on large tensors, which would use trainer.threads more threads.
  virtual void read(std::span<const std::uint32_t> samples, Batch& batch) const = 0;

  /// One line that identifies the data, such as digests of the files: all processes of a job compare it at the start.
  /// Empty where nothing can differ. Throws `RunError` (66).
  virtual std::string fingerprint() const { return ""; }
};

}  // namespace runnel
