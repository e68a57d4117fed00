// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/checkpoint/manifest.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// The values of one shard, of one version.
struct ShardValues {
  std::span<const float> parameters;           ///< of the shard's floats, the averaged ones after those optimized
  std::vector<std::span<const float>> states;  ///< of the optimizer: each of the shard's optimized floats
  std::vector<StoredTensor> others;            ///< only the first shard has any: tensors that are not exchanged
};

/// A checkpoint while it is written: by each generator its shard, each in its own process, perhaps on another host with
/// the same folder; then by the lead the manifest, which makes it a checkpoint.
///
/// Every file appears whole under its name, and is on the disk then. What an interrupted writing of the same step left
/// is replaced. Throws `WriteError`, with the name of the file. Thread: any, one at a time; in each process its own
/// object.
class CheckpointWriter {
 public:
  /// Makes the folder step-`step` in `directory`, which exists, unless it is there. `run` is a text that all generators
  /// of this run have and no other run ever had: by it a shard is told from one that another run left. `layout`, whose
  /// shards are the files, outlives this object.
  CheckpointWriter(const std::filesystem::path& directory, std::int64_t step, std::string run,
                   const BucketLayout& layout);

  const std::filesystem::path& folder() const { return folder_; }

  /// Throws, besides, `RunError` (bad_configuration) when two tensors would have one name in the file.
  ShardFile write_shard(std::size_t index, const ShardValues& values) const;

  /// The shard's file, when this run has written it.
  std::optional<ShardFile> find_shard(std::size_t index) const;

  /// Ends the checkpoint: writes `manifest` with this step, the date, the program's version, and the shards, all of
  /// which are there. Throws `RunError` (internal) where one is missing.
  void write_manifest(Manifest manifest) const;

 private:
  std::filesystem::path file_of(std::size_t index) const;

  std::filesystem::path folder_;
  std::int64_t step_;
  std::string run_;
  const BucketLayout& layout_;
};

/// The key in a shard's metadata that marks it as one; the value is `run`, above.
inline constexpr const char* kRunKey = "runnel checkpoint of run";

/// DIRECTORY/step-N.
std::filesystem::path step_folder(const std::filesystem::path& directory, std::int64_t step);

}  // namespace runnel
