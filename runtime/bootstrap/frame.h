// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/run_error.h"

/// The envelope of everything that processes exchange during bootstrap. README.md, "Frames", has the byte table. All
/// integers are little-endian and of fixed width; lengths are checked before they are believed.
namespace runnel {

/// Grows with every change of a frame's or a bell word's meaning. Processes of different protocols refuse each other.
inline constexpr std::uint32_t kProtocolVersion = 5;

/// A frame that is no frame, or comes from another protocol version. Exit status 76.
class FrameError : public RunError {
 public:
  explicit FrameError(const std::string& message) : RunError(ExitStatus::protocol_mismatch, message) {}
};

enum class FrameKind : std::uint32_t { introduction = 1, connection = 2, path = 3, cores = 4, job = 5, relay = 6 };

/// Appends fixed-width little-endian values to a buffer.
class FrameWriter {
 public:
  void u8(std::uint8_t value);
  void u32(std::uint32_t value);
  /// A 32-bit length, then the bytes.
  void bytes(std::span<const std::byte> value);
  void text(std::string_view value);

  /// The finished frame: header with magic, protocol version, kind, length and CRC-32 of the payload; then the payload.
  std::vector<std::byte> seal(FrameKind kind) const;

 private:
  std::vector<std::byte> payload_;
};

/// Reads a sealed frame. Every call throws `FrameError` instead of reading past the end.
class FrameReader {
 public:
  /// Checks the whole envelope. `sender` goes into error messages ("rank 3"). `frame` must outlive the reader.
  FrameReader(std::span<const std::byte> frame, FrameKind kind, std::string sender);

  std::uint8_t u8();
  std::uint32_t u32();
  std::span<const std::byte> bytes();
  std::string text();

  /// All of the payload must have been read: a longer frame is as wrong as a shorter one.
  void finish() const;

 private:
  std::span<const std::byte> take(std::size_t count);
  [[noreturn]] void fail(const std::string& what) const;

  std::span<const std::byte> rest_;
  std::string sender_;
};

}  // namespace runnel
