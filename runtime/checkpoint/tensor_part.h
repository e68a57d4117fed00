// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// The part of a tensor that lies in one shard.
struct TensorPart {
  std::string name;  ///< "fc1.weight#0:400", by the elements of the tensor that it has
  ByteRange layout;  ///< of the flattened tensors
  bool is_optimized = true;

  std::size_t floats() const { return layout.size() / sizeof(float); }

  /// The name of the part's `state`, counted from 0, of the optimizer: "optimizer.0.fc1.weight#0:400".
  std::string state_name(std::size_t state) const;
};

/// The parts of `tensors` within `range`, in order; whole floats.
std::vector<TensorPart> parts_of(const std::vector<TensorPlace>& tensors, ByteRange range);

/// The range that is in both; empty where there is none.
ByteRange overlap_of(ByteRange a, ByteRange b);

/// The name of a shard's file: "shard-0-of-2.safetensors".
std::string shard_name(std::size_t index, std::size_t count);

}  // namespace runnel
