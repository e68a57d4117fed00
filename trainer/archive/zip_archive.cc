// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/zip_archive.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "runtime/base/foreign_format.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

std::uint32_t crc32_of(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

enum class Inflated { all, beginning, damaged };

/// Inflates `packed` until `contents` is full, as pieces of what zlib's counters hold. Where both do not end together,
/// this was only a beginning, or the data are damaged.
Inflated inflate_into(std::span<std::byte> contents, std::span<const std::byte> packed) {
  constexpr std::size_t kMostPiece = std::numeric_limits<uInt>::max();
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  // zlib reads through this pointer, and writes to no input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  Bytef none = 0;  // zlib wants an address, also for no bytes
  stream.next_out = contents.empty() ? &none : reinterpret_cast<Bytef*>(contents.data());
  std::size_t input = packed.size(), room = contents.size();
  int status = Z_OK;
  while (status == Z_OK) {
    const auto more_input = static_cast<uInt>(std::min(input, kMostPiece - stream.avail_in));
    const auto more_room = static_cast<uInt>(std::min(room, kMostPiece - stream.avail_out));
    input -= more_input;
    room -= more_room;
    stream.avail_in += more_input;
    stream.avail_out += more_room;
    status = inflate(&stream, Z_NO_FLUSH);
  }
  const bool full = room + stream.avail_out == 0;
  if (full && status == Z_STREAM_END && input + stream.avail_in == 0) return Inflated::all;
  return full && status == Z_BUF_ERROR ? Inflated::beginning : Inflated::damaged;
}

}  // namespace

ZipArchive::ZipArchive(const std::filesystem::path& file) : path_(file), file_(file) {
  if (!file_.beginning().starts_with("PK")) {
    const std::string foreign = foreign_format(file_.beginning(), "give the archive");
    throw RunError(ExitStatus::bad_data, file.string() + ": expected a ZIP archive, found " +
                                             (foreign.empty() ? "another kind of file" : foreign));
  }
  members_ = read_zip_directory(file_.bytes(), file.string());
}

const ZipMember* ZipArchive::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(members_, name, {}, &ZipMember::name);
  return found == members_.end() || found->name != name ? nullptr : &*found;
}

ZipContents ZipArchive::read(const ZipMember& member, std::uint64_t most_bytes) const {
  if (member.content_bytes > most_bytes) {
    refuse(member,
           "expected at most " + std::to_string(most_bytes) + " bytes, found " + std::to_string(member.content_bytes));
  }
  const auto checked = [&](ZipContents contents) {
    if (crc32_of(contents.bytes()) != member.crc32) refuse(member, "is damaged: its bytes do not have its checksum");
    return contents;
  };
  if (member.method == ZipMember::kStored) return checked(ZipContents(packed(member)));
  // Deflate's best: a lie about the size must not make this allocate more than the file could hold.
  constexpr std::uint64_t kMostRatio = 1032;
  std::vector<std::byte> contents;
  const bool possible = member.content_bytes / kMostRatio <= member.packed_bytes;
  if (possible) contents.resize(member.content_bytes);
  if (!possible || inflate_into(contents, packed(member)) != Inflated::all)
    refuse(member, "is damaged: it cannot be inflated to its size");
  return checked(ZipContents(std::move(contents)));
}

ZipContents ZipArchive::read_beginning(const ZipMember& member, std::uint64_t bytes) const {
  const std::uint64_t wanted = std::min(bytes, member.content_bytes);
  if (member.method == ZipMember::kStored) return ZipContents(packed(member).first(wanted));
  std::vector<std::byte> contents(wanted);
  if (inflate_into(contents, packed(member)) == Inflated::damaged) refuse(member, "is damaged: it cannot be inflated");
  return ZipContents(std::move(contents));
}

std::span<const std::byte> ZipArchive::mapped(const ZipMember& member) const {
  if (member.method != ZipMember::kStored) refuse(member, "expected stored bytes, found compressed ones");
  return packed(member);
}

std::span<const std::byte> ZipArchive::packed(const ZipMember& member) const {
  return file_.bytes().subspan(member.data, member.packed_bytes);
}

void ZipArchive::refuse(const ZipMember& member, const std::string& what) const {
  throw RunError(ExitStatus::bad_data, path_.string() + ": member \"" + printable(member.name, 200) + "\": " + what);
}

}  // namespace runnel
