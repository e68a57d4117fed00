// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/checkpoint/manifest.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/tensor_part.h"

namespace runnel {

/// Gets how many of all bytes are done.
using CheckpointProgress = std::function<void(std::uint64_t bytes, std::uint64_t of)>;

/// A finished checkpoint, open for reading: a folder with a manifest and the files that it names.
///
/// Ranges are of the flattened tensors, as a `BucketLayout` of `manifest().exchanged()` has them, with any number of
/// shards. The files are mapped: they must not be truncated while this object lives. Constant after construction; any
/// thread.
class Checkpoint {
 public:
  /// Checks everything but the tensors' bytes: the manifest, and of each file its length, the SHA-256 of its header,
  /// and which tensors it has. Throws `RunError` with the name of folder or file: input_missing for a missing folder,
  /// else bad_data.
  explicit Checkpoint(const std::filesystem::path& folder);
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;

  const std::filesystem::path& folder() const { return folder_; }
  const Manifest& manifest() const { return manifest_; }

  /// Of all files.
  std::uint64_t bytes() const { return bytes_; }

  /// Reads every byte of every tensor. Throws `RunError` (bad_data) with file and tensor for a digest that differs.
  void verify(const CheckpointProgress& progress = {}) const;

  /// Copies the parameters of `range` to `to`, which has as many floats. Between the tensors there are zeros.
  void read_parameters(ByteRange range, std::span<float> to) const;

  /// The same of the optimizer's state `state`; zeros where the layout is averaged.
  void read_state(std::size_t state, ByteRange range, std::span<float> to) const;

  /// The parameters of `range` in the file that holds them all; nothing where no single one does. Not aligned.
  std::optional<std::span<const std::byte>> view_parameters(ByteRange range) const;

  /// The tensors of the layout.
  const std::vector<TensorPlace>& places() const { return places_; }

  /// A tensor that is not exchanged, by the first of its names. Null where there is none.
  const StoredTensor* other(const std::string& name) const;

 private:
  struct File;

  void open_files();
  void require_expected_tensors(std::size_t index) const;
  template <class NameOf>
  void read(ByteRange range, std::span<float> to, const NameOf& name_of) const;

  std::filesystem::path folder_;
  Manifest manifest_;
  std::vector<TensorPlace> places_;
  std::vector<std::unique_ptr<File>> files_;  // one a shard
  std::uint64_t bytes_ = 0;
};

}  // namespace runnel
