// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/digest.h"

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

/// What a generator makes of the sum of a tensor's slots.
enum class TensorRule : std::uint8_t {
  optimize,  ///< it is a gradient, with which the optimizer makes its step
  average,   ///< divided by their number it is the new value; for BatchNorm's running statistics
};

/// A float32 tensor of the model and its place among the flattened ones.
struct TensorPlace {
  std::string name;
  std::vector<std::int64_t> shape;
  ByteRange bytes;
  TensorRule rule = TensorRule::optimize;
};

/// The name of element `index` of `tensor`, as PyTorch would index it: "conv1.weight[3, 0, 2, 1]".
std::string element_name(const std::string& tensor, std::span<const std::int64_t> shape, std::size_t index);

/// The floats of a buffer: those for the optimizer, and after them those to be averaged. Where there are any of the
/// latter, they begin at a multiple of `kBlockFloats`.
struct FloatCounts {
  std::size_t optimized = 0;
  std::size_t averaged = 0;

  std::size_t total() const { return optimized + averaged; }
  bool operator==(const FloatCounts&) const = default;
};

/// The part of the flattened tensors that one generator owns.
struct Shard {
  ByteRange bytes;               ///< whole blocks, but for the end of the last shard
  std::size_t first_bucket = 0;  ///< index among all buckets
  std::uint32_t buckets = 0;

  /// The index among all buckets of this shard's bucket `bucket`.
  std::uint32_t index_of(std::uint32_t bucket) const { return static_cast<std::uint32_t>(first_bucket) + bucket; }
};

/// How a model's tensors follow each other in every buffer of a job, how that sequence is cut into shards, one
/// for each generator, and these into buckets.
///
/// Tensors follow each other without padding, but for one place: the first tensor that is averaged begins at a block.
/// The gap in front of it, less than a block, belongs to the buckets and holds zeros. Constant after construction; any
/// thread.
class BucketLayout {
 public:
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> shape;
    TensorRule rule = TensorRule::optimize;
  };

  /// Shards are equal but for one block. `bucket_bytes`, a multiple of `kBlockBytes`, is the most that a bucket holds.
  /// Throws `std::invalid_argument` when it is none, when there are no tensors or fewer blocks than shards, when a
  /// dimension is not positive or their product does not fit, or when a tensor to be averaged precedes one that is not.
  BucketLayout(const std::vector<Tensor>& tensors, std::size_t bucket_bytes, std::size_t shards = 1);

  const std::vector<TensorPlace>& tensors() const { return tensors_; }

  /// Floats of all tensors together and of the gap.
  std::size_t float_count() const { return bytes_ / sizeof(float); }

  /// Bytes of all tensors together and of the gap: M, what one trainer sends and receives in a step.
  std::size_t bytes() const { return bytes_; }

  /// By rule, of the whole buffer or of one shard. The gap counts as optimized: a step from zero with a gradient of
  /// zero leaves zero.
  FloatCounts float_counts() const { return count_floats({0, bytes_}); }
  FloatCounts float_counts(const Shard& shard) const { return count_floats(shard.bytes); }

  /// M rounded up to whole blocks: the distance between two buffers of one process.
  std::size_t padded_bytes() const { return padded(bytes_); }

  std::size_t shard_count() const { return shards_.size(); }
  const Shard& shard(std::size_t index) const { return shards_[index]; }

  /// The distance between two buffers of the shard's generator.
  std::size_t padded_bytes(const Shard& shard) const { return padded(shard.bytes.size()); }

  /// Buckets cover [0, bytes()) without gaps, shard by shard. A bucket ends where a tensor of more than a bucket
  /// begins: the gradients of such a tensor are there long before those of the small ones in front of it. It also ends
  /// where averaged tensors begin, so that all of a bucket has one rule.
  std::size_t bucket_count() const { return buckets_.size(); }
  ByteRange bucket(std::size_t index) const { return buckets_[index]; }

  /// Bucket `index` of `shard`, in bytes from the beginning of the shard.
  ByteRange bucket_in(const Shard& shard, std::uint32_t index) const;

  /// The name of float `index` of all tensors, as above. Of the gap: "gap before bn1.running_mean".
  std::string element_name(std::size_t index) const;

  /// SHA-256 over names, shapes, rules, element type, buckets and shards: equal for processes that may exchange
  /// buckets.
  Sha256 fingerprint() const;

 private:
  static std::size_t padded(std::size_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes; }
  void place(const std::vector<Tensor>& tensors);
  void cut_shards(std::size_t bucket_bytes, std::size_t shards);
  void cut_buckets(ByteRange range, std::size_t bucket_bytes);
  FloatCounts count_floats(ByteRange range) const;

  std::vector<TensorPlace> tensors_;
  std::vector<Shard> shards_;
  std::vector<ByteRange> buckets_;
  std::size_t bytes_ = 0;
  std::size_t averaged_begin_ = 0;
};

}  // namespace runnel
