// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/mapped_file.h"
#include "trainer/arrays/array.h"
#include "trainer/arrays/gzip_stream.h"

namespace runnel {

/// A file in the IDX format of MNIST, plain or gzip: a magic number of two zero bytes, the type of its elements and
/// the number of its dimensions; its sizes; its elements. All numbers are big-endian, the sizes have 32 bits.
///
/// Source: http://yann.lecun.com/exdb/mnist. Throws `RunError` with the path: input_missing when the file cannot be
/// opened, bad_data for everything else.
class IdxFile {
 public:
  /// What a reader of one kind of array expects.
  struct Kind {
    std::uint32_t magic;
    std::string_view remedy;  ///< for files of another format
  };

  /// Opens the file and reads its header. Refuses sizes that the file cannot hold.
  explicit IdxFile(const std::filesystem::path& path, const std::optional<Kind>& kind = std::nullopt);

  const std::string& path() const { return path_; }
  ElementType type() const { return type_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }

  /// The elements: a view of the mapping where they are single bytes and the file is plain, else in memory. Checks that
  /// the file ends with them, and gzip's checksum. Called once.
  Array read(std::string name);

 private:
  void read_magic(const std::optional<Kind>& kind);
  [[noreturn]] void refuse_magic(std::uint32_t found, const std::optional<Kind>& kind) const;
  void refuse_impossible_length();
  std::uint64_t total_bytes() const { return header_bytes_ + element_bytes_; }

  /// The next bytes that the file holds, after inflating; fewer only at its end.
  std::size_t read_some(std::span<std::byte> bytes);
  void read_all(std::span<std::byte> bytes);
  std::uint32_t read_u32();
  [[noreturn]] void refuse_end(std::uint64_t found) const;
  [[noreturn]] void refuse_more() const;
  [[noreturn]] void refuse(const std::string& what) const;

  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  std::unique_ptr<GzipStream> gzip_;  // null for a plain file
  std::uint64_t position_ = 0;        // in the file, after inflating
  ElementType type_ = ElementType::uint8;
  std::size_t dimensions_ = 0;
  std::vector<std::int64_t> shape_;
  std::uint64_t header_bytes_ = 0;  // 0 until the header is read
  std::uint64_t element_bytes_ = 0;
};

/// The array of an IDX file; its name is that of the file, of a compressed one without ".gz". Throws as `IdxFile`.
Array read_idx(const std::filesystem::path& path);

}  // namespace runnel
