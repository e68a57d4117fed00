// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/bucket_layout.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace runnel {
namespace {

constexpr std::size_t kMaxFloats = std::numeric_limits<std::int64_t>::max() / sizeof(float);

std::size_t floats_of(const BucketLayout::Tensor& tensor) {
  std::size_t count = 1;
  for (const std::int64_t dimension : tensor.shape) {
    if (dimension <= 0 || static_cast<std::uint64_t>(dimension) > kMaxFloats / count) {
      throw std::invalid_argument("tensor '" + tensor.name + "' has a dimension of " + std::to_string(dimension));
    }
    count *= static_cast<std::size_t>(dimension);
  }
  return count;
}

}  // namespace

BucketLayout::BucketLayout(const std::vector<Tensor>& tensors, std::size_t bucket_bytes, std::size_t shards) {
  if (bucket_bytes == 0 || bucket_bytes % kBlockBytes != 0) {
    throw std::invalid_argument("a bucket of " + std::to_string(bucket_bytes) + " bytes is not a multiple of " +
                                std::to_string(kBlockBytes));
  }
  if (tensors.empty()) throw std::invalid_argument("a layout needs at least one tensor");
  place(tensors);
  cut_shards(bucket_bytes, shards);
}

void BucketLayout::place(const std::vector<Tensor>& tensors) {
  bool averaging = false;
  for (const Tensor& tensor : tensors) {
    if (!averaging && tensor.rule == TensorRule::average) {
      averaging = true;
      averaged_begin_ = bytes_ = padded_bytes();
    } else if (averaging && tensor.rule != TensorRule::average) {
      throw std::invalid_argument("tensor '" + tensor.name + "' is not averaged and comes after one that is");
    }
    const std::size_t floats = floats_of(tensor);
    if (floats > kMaxFloats - std::min(kMaxFloats, float_count())) {
      throw std::invalid_argument("the tensors together are too large");
    }
    const std::size_t begin = bytes_;
    bytes_ += floats * sizeof(float);
    tensors_.push_back({tensor.name, tensor.shape, {begin, bytes_}, tensor.rule});
  }
  if (!averaging) averaged_begin_ = bytes_;
}

void BucketLayout::cut_shards(std::size_t bucket_bytes, std::size_t shards) {
  const std::size_t blocks = padded_bytes() / kBlockBytes;
  if (shards < 1 || shards > blocks) {
    throw std::invalid_argument("tensors of " + std::to_string(blocks) + " blocks cannot be cut into " +
                                std::to_string(shards) + " shards");
  }
  for (std::size_t i = 0; i < shards; ++i) {
    const auto boundary = [&](std::size_t at) { return std::min(blocks * at / shards * kBlockBytes, bytes_); };
    const ByteRange range{boundary(i), boundary(i + 1)};
    const std::size_t first = buckets_.size();
    const std::size_t rule_changes = std::clamp(averaged_begin_, range.begin, range.end);
    cut_buckets({range.begin, rule_changes}, bucket_bytes);
    cut_buckets({rule_changes, range.end}, bucket_bytes);
    shards_.push_back({range, first, static_cast<std::uint32_t>(buckets_.size() - first)});
  }
}

void BucketLayout::cut_buckets(ByteRange range, std::size_t bucket_bytes) {
  auto tensor = tensors_.begin();
  for (std::size_t begin = range.begin; begin < range.end;) {
    std::size_t end = std::min(begin + bucket_bytes, range.end);
    const auto begins_large = [&](const TensorPlace& place) {
      return padded(place.bytes.begin) > begin && place.bytes.size() > bucket_bytes;
    };
    tensor = std::find_if(tensor, tensors_.end(), begins_large);
    if (tensor != tensors_.end()) end = std::min(end, padded(tensor->bytes.begin));
    buckets_.push_back({begin, end});
    begin = end;
  }
}

ByteRange BucketLayout::bucket_in(const Shard& shard, std::uint32_t index) const {
  const ByteRange range = buckets_[shard.first_bucket + index];
  return {range.begin - shard.bytes.begin, range.end - shard.bytes.begin};
}

FloatCounts BucketLayout::count_floats(ByteRange range) const {
  const std::size_t rule_changes = std::clamp(averaged_begin_, range.begin, range.end);
  return {(rule_changes - range.begin) / sizeof(float), (range.end - rule_changes) / sizeof(float)};
}

std::string element_name(const std::string& tensor, std::span<const std::int64_t> shape, std::size_t index) {
  std::string indices;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const auto size = static_cast<std::size_t>(shape[i]);
    indices = std::to_string(index % size) + (indices.empty() ? "" : ", ") + indices;
    index /= size;
  }
  return tensor + '[' + indices + ']';
}

std::string BucketLayout::element_name(std::size_t index) const {
  const auto holds = [&](const TensorPlace& place) { return index * sizeof(float) < place.bytes.end; };
  const TensorPlace& tensor = *std::ranges::find_if(tensors_, holds);
  if (index * sizeof(float) < tensor.bytes.begin) return "gap before " + tensor.name;
  return runnel::element_name(tensor.name, tensor.shape, index - tensor.bytes.begin / sizeof(float));
}

Sha256 BucketLayout::fingerprint() const {
  // A length before each name keeps different sequences of tensors from sharing one text.
  std::string text = "float32";
  for (const ByteRange& bucket : buckets_) text += ' ' + std::to_string(bucket.end);
  text += '\n';
  for (const Shard& shard : shards_) text += ' ' + std::to_string(shard.bytes.end);
  text += '\n';
  for (const TensorPlace& tensor : tensors_) {
    text += std::to_string(tensor.name.size()) + ' ' + tensor.name;
    for (const std::int64_t dimension : tensor.shape) text += ' ' + std::to_string(dimension);
    if (tensor.rule == TensorRule::average) text += " average";
    text += '\n';
  }
  return sha256(std::as_bytes(std::span(text)));
}

}  // namespace runnel
