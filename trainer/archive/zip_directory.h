// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace runnel {

/// A member of a ZIP archive, as the archive's central directory describes it. Positions are bytes from the file's
/// start.
struct ZipMember {
  static constexpr std::uint16_t kStored = 0;
  static constexpr std::uint16_t kDeflated = 8;

  std::string name;
  std::uint16_t method = kStored;
  std::uint32_t crc32 = 0;          ///< of the contents
  std::uint64_t header = 0;         ///< where the member's own header begins
  std::uint64_t data = 0;           ///< where its bytes begin
  std::uint64_t packed_bytes = 0;   ///< in the file
  std::uint64_t content_bytes = 0;  ///< after inflating
};

/// Reads the central directory of the archive that `file` holds: APPNOTE.TXT 6.3.10 of PKWARE, with ZIP64.
///
/// Members are in the order of their names. On return every member lies within the file, before the directory, and
/// overlaps no other; names differ. Nothing may lie between the directory and its end records, nor after them except
/// the archive's comment. Refused: encryption, several disks, methods other than stored and deflated. Throws `RunError`
/// (bad_data) that begins with `place`.
std::vector<ZipMember> read_zip_directory(std::span<const std::byte> file, const std::string& place);

}  // namespace runnel
