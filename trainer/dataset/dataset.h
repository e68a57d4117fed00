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
  /// What is written depends on the arguments alone: what is random about samples follows from `batch.seed` and the
  /// sample. A pass may be going on in another thread: do not draw from LibTorch's generators, and avoid its operations
  /// on large tensors, which would start trainer.threads threads more.
  virtual void read(std::span<const std::uint32_t> samples, Batch& batch) const = 0;

  /// One line that identifies the files that are read: all processes of a job compare it at the start. Empty where
  /// nothing can differ. Throws `RunError` (66).
  virtual std::string fingerprint() const { return ""; }
};

}  // namespace runnel
