// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/digest.h"
#include "runtime/base/element_type.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// A tensor of the model that a checkpoint holds.
struct CheckpointTensor {
  std::vector<std::string> names = {};  ///< in state_dict: one, or those of a tied tensor; files have the first
  std::vector<std::int64_t> shape = {};
  ElementType type = ElementType::float32;
  std::optional<TensorRule> rule = {};  ///< nothing: not exchanged; whole, in the first shard

  bool operator==(const CheckpointTensor&) const = default;
};

/// The file with the part of the layout that one generator owns.
struct ShardFile {
  std::string name = {};  ///< "shard-0-of-2.safetensors"
  ByteRange layout = {};  ///< of the flattened tensors
  std::uint64_t bytes = 0;
  Sha256 header = {};  ///< of the length and the JSON text at its start, which has the digests of the tensors

  bool operator==(const ShardFile&) const = default;
};

/// What a checkpoint says of itself, but for the values of tensors: the file `manifest.json`.
struct Manifest {
  using Settings = std::map<std::string, std::string>;

  std::int64_t step = 0;
  std::string date = {};     ///< UTC, ISO 8601
  std::string program = {};  ///< version and commit of the program that wrote it
  int seats = 0;
  int trainers = 0;
  std::vector<CheckpointTensor> tensors = {};  ///< those of the layout first, in its order
  std::string optimizer = {};                  ///< its name
  std::vector<std::string> states = {};  ///< the optimizer's, by name; each has a float for each optimized parameter
  Settings fixed_settings = {};          ///< that give the run its meaning: a resumed run has the same
  Settings free_settings = {};           ///< that a resumed run may change
  std::string data = {};                 ///< fingerprint of the data
  std::string account = "{}";            ///< of the run so far: JSON, as it was given
  std::vector<ShardFile> shards = {};

  /// The layout's tensors, for a `BucketLayout`.
  std::vector<BucketLayout::Tensor> exchanged() const;
};

inline constexpr const char* kManifestName = "manifest.json";

/// The text of the file: a line for each tensor and shard; its last member is the SHA-256 of the text before it. Throws
/// `std::invalid_argument` when `account` is no JSON, is nested deeper than 16, or has an object of over 1000 members.
std::string to_json(const Manifest& manifest);

/// Reads and checks `file`, whatever is in it. Throws `RunError` with its name: input_missing where there is none, and
/// bad_data for another kind of file, another digest, and a format from the future.
Manifest read_manifest(const std::filesystem::path& file);

}  // namespace runnel
