// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

#include "runtime/base/mapping_guard.h"

namespace runnel {

/// A regular file, mapped for reading as long as this object lives.
///
/// Nothing is read until a byte is touched. A file that is truncated meanwhile ends the process (`MappingGuard`); one
/// that is replaced or removed stays as it was. Constant after construction; any thread.
class MappedFile {
 public:
  /// Throws `RunError` (input_missing) with the path when it cannot be opened, or is no regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  /// All of the file; empty for an empty one. Begins at a page.
  std::span<const std::byte> bytes() const { return bytes_; }

  /// The first 64 bytes, for `foreign_format`; all of a shorter file.
  std::string_view beginning() const;

 private:
  std::span<const std::byte> bytes_;
  std::optional<MappingGuard> guard_;  // none for an empty file, which cannot be mapped
};

/// In which order a view's bytes will be read.
enum class Access { front_to_back, scattered };

/// Tells the system how to read ahead in `bytes`, a part of a mapped file. The system may ignore it.
void advise(std::span<const std::byte> bytes, Access access);

}  // namespace runnel
