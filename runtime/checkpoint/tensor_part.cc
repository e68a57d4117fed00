// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/tensor_part.h"

#include <algorithm>

namespace runnel {

std::string TensorPart::state_name(std::size_t state) const {
  return "optimizer." + std::to_string(state) + '.' + name;
}

std::vector<TensorPart> parts_of(const std::vector<TensorPlace>& tensors, ByteRange range) {
  std::vector<TensorPart> parts;
  for (const TensorPlace& tensor : tensors) {
    const ByteRange inside = overlap_of(tensor.bytes, range);
    if (inside.size() == 0) continue;
    const auto element = [&](std::size_t byte) { return std::to_string((byte - tensor.bytes.begin) / sizeof(float)); };
    parts.push_back({tensor.name + '#' + element(inside.begin) + ':' + element(inside.end), inside,
                     tensor.rule == TensorRule::optimize});
  }
  return parts;
}

ByteRange overlap_of(ByteRange a, ByteRange b) {
  const std::size_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

std::string shard_name(std::size_t index, std::size_t count) {
  return "shard-" + std::to_string(index) + "-of-" + std::to_string(count) + ".safetensors";
}

}  // namespace runnel
