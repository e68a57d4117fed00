// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <zlib.h>

#include <cstddef>
#include <span>
#include <string>

namespace runnel {

/// What a gzip file holds, inflated from front to end.
///
/// Unlike zlib's `gzread` it refuses what follows the compressed data. Members that follow each other are one stream,
/// as gzip has it. Throws `RunError` (bad_data) with `place` when the data are damaged or end early.
class GzipStream {
 public:
  /// `packed`, all of the file, outlives this object. `place` is how messages begin.
  GzipStream(std::span<const std::byte> packed, std::string place);
  ~GzipStream();

  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  /// Inflates up to `bytes.size()` bytes; 0 only for no bytes, and at the end, where the checksum has been checked.
  std::size_t read(std::span<std::byte> bytes);

 private:
  void refill();
  void begin_next_member();
  [[noreturn]] void fail(const char* found) const;

  std::span<const std::byte> rest_;  // which zlib does not have yet
  std::string place_;
  z_stream stream_{};
  bool ended_ = false;
};

/// Whether `bytes`, the beginning of a file, are those of a gzip file.
bool begins_as_gzip(std::span<const std::byte> bytes);

}  // namespace runnel
