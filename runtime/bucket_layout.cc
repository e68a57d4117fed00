// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bucket_layout.h"

#include <limits>
#include <stdexcept>

namespace runnel {
namespace {

constexpr std::size_t kMaxFloats = std::numeric_limits<std::int64_t>::max() / sizeof(float);

std::size_t count_floats(const BucketLayout::Tensor& tensor) {
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

BucketLayout::BucketLayout(const std::vector<Tensor>& tensors, std::size_t bucket_bytes) : bucket_bytes_(bucket_bytes) {
  if (bucket_bytes == 0 || bucket_bytes % kBlockBytes != 0) {
    throw std::invalid_argument("a bucket of " + std::to_string(bucket_bytes) + " bytes is not a multiple of " +
                                std::to_string(kBlockBytes));
  }
  if (tensors.empty()) throw std::invalid_argument("a layout needs at least one tensor");
  for (const Tensor& tensor : tensors) {
    const std::size_t floats = count_floats(tensor);
    if (floats > kMaxFloats - float_count()) throw std::invalid_argument("the tensors together are too large");
    const std::size_t begin = bytes_;
    bytes_ += floats * sizeof(float);
    tensors_.push_back({tensor.name, tensor.shape, {begin, bytes_}});
  }
}

std::size_t BucketLayout::padded_bytes() const {
  return (bytes_ + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
}

std::size_t BucketLayout::bucket_count() const {
  return (bytes_ + bucket_bytes_ - 1) / bucket_bytes_;
}

ByteRange BucketLayout::bucket(std::size_t index) const {
  const std::size_t begin = index * bucket_bytes_;
  return {begin, begin + bucket_bytes_ < bytes_ ? begin + bucket_bytes_ : bytes_};
}

Sha256 BucketLayout::fingerprint() const {
  // A length before each name keeps different sequences of tensors from sharing one text.
  std::string text = "float32 bucket " + std::to_string(bucket_bytes_) + '\n';
  for (const TensorPlace& tensor : tensors_) {
    text += std::to_string(tensor.name.size()) + ' ' + tensor.name;
    for (const std::int64_t dimension : tensor.shape) text += ' ' + std::to_string(dimension);
    text += '\n';
  }
  return sha256(std::as_bytes(std::span(text)));
}

}  // namespace runnel
