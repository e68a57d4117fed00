// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/mapped_file.h"
#include "trainer/archive/zip_directory.h"

namespace runnel {

/// What a member holds: a view of the archive's mapping or, for a deflated member, memory of its own.
class ZipContents {
 public:
  explicit ZipContents(std::span<const std::byte> view) : bytes_(view) {}
  explicit ZipContents(std::vector<std::byte> own) : own_(std::move(own)), bytes_(own_) {}
  ZipContents(ZipContents&&) = default;  // a moved vector keeps its memory
  ZipContents& operator=(ZipContents&&) = default;

  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view text() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  std::vector<std::byte> own_;
  std::span<const std::byte> bytes_;
};

/// A ZIP archive, mapped for reading (`MappedFile`). Constant after construction; any thread.
class ZipArchive {
 public:
  /// Maps `file` and checks its directory (`read_zip_directory`); reads no member. Throws `RunError` with the path:
  /// input_missing when it cannot be opened or is no regular file, bad_data when it is no archive or a damaged one.
  explicit ZipArchive(const std::filesystem::path& file);

  const std::filesystem::path& path() const { return path_; }

  /// In the order of their names.
  const std::vector<ZipMember>& members() const { return members_; }

  /// Null where there is none.
  const ZipMember* find(std::string_view name) const;

  /// The contents of `member`, which are in memory on return: at most `most_bytes`, with the CRC-32 that the directory
  /// has. They are valid as long as the archive. Throws `RunError` (bad_data) with the path and the member's name.
  ZipContents read(const ZipMember& member, std::uint64_t most_bytes) const;

  /// The first `bytes` of what `member` holds, or all where it holds less, unchecked: for a look at a header. Throws as
  /// `read`.
  ZipContents read_beginning(const ZipMember& member, std::uint64_t bytes) const;

  /// A stored member as it lies in the file. Reads nothing, and so checks nothing. Throws `RunError` (bad_data) for a
  /// deflated one.
  std::span<const std::byte> mapped(const ZipMember& member) const;

 private:
  std::span<const std::byte> packed(const ZipMember& member) const;
  [[noreturn]] void refuse(const ZipMember& member, const std::string& what) const;

  std::filesystem::path path_;
  MappedFile file_;
  std::vector<ZipMember> members_;
};

}  // namespace runnel
