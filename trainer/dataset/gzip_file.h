// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace runnel {

/// A file that is read from front to end, as it is or, when it begins as gzip does, decompressed.
///
/// Unlike zlib's `gzread` it refuses what follows the compressed data. Members that follow each other are one file, as
/// gzip has it. Throws `RunError` with the path: `input_missing` when the file cannot be opened, `bad_data` when it
/// cannot be read or decompressed.
class GzipFile {
 public:
  explicit GzipFile(const std::filesystem::path& path);
  ~GzipFile();

  GzipFile(const GzipFile&) = delete;
  GzipFile& operator=(const GzipFile&) = delete;

  /// Reads up to `bytes.size()` bytes; 0 only at the end, where the checksum has been checked.
  std::size_t read(std::span<std::uint8_t> bytes);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  /// Makes at least one more byte of the file available; false at its end.
  bool refill();
  std::size_t copy(std::span<std::uint8_t> bytes);
  std::size_t decompress(std::span<std::uint8_t> bytes);
  bool begins_member();
  void begin_next_member();
  [[noreturn]] void fail(const char* found) const;

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::vector<std::uint8_t> input_;
  z_stream stream_{};  // its input is what was read and not consumed yet
  bool compressed_ = false;
  bool ended_ = false;
};

}  // namespace runnel
