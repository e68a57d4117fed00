// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/digest.h"

namespace runnel {

/// The unit of the reduction: the floats that are summed and updated while they are in the first-level cache. Buckets
/// begin at multiples of it, so that a sum over blocks does not depend on the size of the buckets.
inline constexpr std::size_t kBlockFloats = 4096;
inline constexpr std::size_t kBlockBytes = kBlockFloats * sizeof(float);

/// A range of bytes of the flattened tensors: of a bucket, or of one generator's shard.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  bool operator==(const ByteRange&) const = default;
};

/// A float32 tensor of the model and its place among the flattened ones.
struct TensorPlace {
  std::string name;
  std::vector<std::int64_t> shape;
  ByteRange bytes;
};

/// How a model's tensors lie one behind the other in every buffer of a job, and how that sequence is cut into buckets.
///
/// Tensors follow each other without padding: what is on the wire is exactly what the model holds. Constant after
/// construction; any thread.
class BucketLayout {
 public:
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
  };

  /// `bucket_bytes` is a multiple of `kBlockBytes`. Throws `std::invalid_argument` when it is not, when there are no
  /// tensors, or when a dimension is not positive or their product does not fit.
  BucketLayout(const std::vector<Tensor>& tensors, std::size_t bucket_bytes);

  const std::vector<TensorPlace>& tensors() const { return tensors_; }

  /// Floats of all tensors together.
  std::size_t float_count() const { return bytes_ / sizeof(float); }

  /// Bytes of all tensors together: M, what one trainer sends and receives in a step.
  std::size_t bytes() const { return bytes_; }

  /// M rounded up to whole blocks: the distance between two buffers of one slab.
  std::size_t padded_bytes() const;

  std::size_t bucket_count() const;

  /// Buckets cover [0, bytes()) without gaps; only the last one may be shorter than the others.
  ByteRange bucket(std::size_t index) const;

  /// SHA-256 over names, shapes, element type and bucket size: equal for processes that may exchange buckets.
  Sha256 fingerprint() const;

 private:
  std::vector<TensorPlace> tensors_;
  std::size_t bucket_bytes_;
  std::size_t bytes_ = 0;
};

}  // namespace runnel
