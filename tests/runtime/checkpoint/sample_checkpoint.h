// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "runtime/checkpoint/manifest.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel::test {

/// A model with an optimizer of two states, and values for it that follow from seed and step.
///
/// It has tensors that are optimized, averaged (after a gap), tied, and not exchanged.
class SampleModel {
 public:
  /// `first_floats`: of the tensor that is by far the largest.
  explicit SampleModel(std::uint64_t seed, std::size_t first_floats = 20'000);

  const Manifest& manifest() const { return manifest_; }

  /// Its tensors in `shards` shards.
  BucketLayout layout(std::size_t shards) const;

  /// Of the whole layout, the gap included; `which` is 0 for the parameters, else a state of the optimizer.
  std::vector<float> values(std::int64_t step, std::size_t which) const;

  /// Bytes of the tensor that is not exchanged.
  std::vector<std::uint8_t> other(std::int64_t step) const;

  /// Writes one shard of step `step`.
  void write_shard(const std::filesystem::path& directory, std::int64_t step, std::size_t shard, std::size_t shards,
                   const std::string& run) const;

  /// Writes all shards and the manifest, and gives the step's folder.
  std::filesystem::path write(const std::filesystem::path& directory, std::int64_t step, std::size_t shards,
                              const std::string& run = "a run") const;

 private:
  std::uint64_t seed_;
  Manifest manifest_;
};

}  // namespace runnel::test
