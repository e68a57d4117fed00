// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/zip_directory.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

static_assert(std::endian::native == std::endian::little, "ZIP is little-endian, and so are the fields in memory");

constexpr std::uint32_t kLocalHeader = 0x04034b50;
constexpr std::uint32_t kDirectoryEntry = 0x02014b50;
constexpr std::uint32_t kDirectoryEnd = 0x06054b50;
constexpr std::uint32_t kZip64End = 0x06064b50;
constexpr std::uint32_t kZip64Locator = 0x07064b50;

constexpr std::uint64_t kLocalHeaderBytes = 30;
constexpr std::uint64_t kEntryBytes = 46;
constexpr std::uint64_t kEndBytes = 22;
constexpr std::uint64_t kZip64EndBytes = 56;
constexpr std::uint64_t kZip64LocatorBytes = 20;

/// Bytes of the file, each access checked.
class Fields {
 public:
  Fields(std::span<const std::byte> file, const std::string& place) : file_(file), place_(place) {}

  std::uint64_t size() const { return file_.size(); }

  /// The little-endian number at `position`.
  template <class Number>
  Number at(std::uint64_t position) const {
    Number number = 0;
    std::memcpy(&number, range(position, sizeof(Number)).data(), sizeof(Number));
    return number;
  }

  std::string_view text(std::uint64_t position, std::uint64_t bytes) const {
    const auto view = range(position, bytes);
    return {reinterpret_cast<const char*>(view.data()), view.size()};
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw RunError(ExitStatus::bad_data, place_ + ": " + what);
  }

 private:
  std::span<const std::byte> range(std::uint64_t position, std::uint64_t bytes) const {
    if (position > file_.size() || bytes > file_.size() - position) refuse("damaged ZIP archive: it ends too early");
    return file_.subspan(position, bytes);
  }

  std::span<const std::byte> file_;
  const std::string& place_;
};

/// Where the central directory lies.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< where the end records begin
};

/// Position of the end record, whose comment reaches to the end of the file.
std::uint64_t find_end(const Fields& file) {
  constexpr std::uint64_t kMostComment = std::numeric_limits<std::uint16_t>::max();
  for (std::uint64_t comment = 0; comment <= kMostComment && kEndBytes + comment <= file.size(); ++comment) {
    const std::uint64_t position = file.size() - kEndBytes - comment;
    if (file.at<std::uint32_t>(position) == kDirectoryEnd && file.at<std::uint16_t>(position + 20) == comment) {
      return position;
    }
  }
  file.refuse("expected a ZIP archive, found no directory at its end; is it complete?");
}

/// The directory by the ZIP64 records, where there are any: right before `end`, the position of the end record.
std::optional<Directory> find_zip64(const Fields& file, std::uint64_t end) {
  if (end < kZip64LocatorBytes + kZip64EndBytes) return std::nullopt;
  const std::uint64_t locator = end - kZip64LocatorBytes;
  if (file.at<std::uint32_t>(locator) != kZip64Locator) return std::nullopt;
  const std::uint64_t record = locator - kZip64EndBytes;
  const bool is_usual = file.at<std::uint64_t>(locator + 8) == record && file.at<std::uint32_t>(locator + 4) == 0 &&
                        file.at<std::uint32_t>(locator + 16) <= 1 && file.at<std::uint32_t>(record) == kZip64End &&
                        file.at<std::uint64_t>(record + 4) == kZip64EndBytes - 12 &&
                        file.at<std::uint32_t>(record + 16) == 0 && file.at<std::uint32_t>(record + 20) == 0 &&
                        file.at<std::uint64_t>(record + 24) == file.at<std::uint64_t>(record + 32);
  if (!is_usual) file.refuse("damaged ZIP archive: its ZIP64 end records are inconsistent");
  return Directory{.entries = file.at<std::uint64_t>(record + 32),
                   .bytes = file.at<std::uint64_t>(record + 40),
                   .begin = file.at<std::uint64_t>(record + 48),
                   .end = record};
}

/// Whether `narrow`, a field of the end record, agrees with `wide`: it is equal, or all ones, which mean "too large for
/// this field".
template <class Narrow>
bool agrees(Narrow narrow, std::uint64_t wide) {
  return narrow == wide || narrow == std::numeric_limits<Narrow>::max();
}

Directory find_directory(const Fields& file) {
  const std::uint64_t end = find_end(file);
  const auto entries = file.at<std::uint16_t>(end + 10);
  const auto bytes = file.at<std::uint32_t>(end + 12);
  const auto begin = file.at<std::uint32_t>(end + 16);
  const Directory directory = find_zip64(file, end).value_or(Directory{entries, bytes, begin, end});
  if (!agrees(file.at<std::uint16_t>(end + 4), 0) || !agrees(file.at<std::uint16_t>(end + 6), 0) ||
      file.at<std::uint16_t>(end + 8) != entries) {
    file.refuse("expected a ZIP archive in one file, found a part of several");
  }
  if (!agrees(entries, directory.entries) || !agrees(bytes, directory.bytes) || !agrees(begin, directory.begin) ||
      directory.begin > directory.end || directory.bytes != directory.end - directory.begin ||
      directory.entries > directory.bytes / kEntryBytes) {
    file.refuse("damaged ZIP archive: its directory does not end where its end record begins");
  }
  return directory;
}

/// Replaces the fields of `member` that are all ones by those of the ZIP64 field among its extra fields.
void read_zip64_field(const Fields& file, std::uint64_t extra, std::uint64_t extra_bytes, ZipMember& member) {
  constexpr std::uint16_t kZip64Field = 1;
  const std::uint64_t end = extra + extra_bytes;
  for (std::uint64_t next = 0; extra + 4 <= end; extra = next) {
    next = extra + 4 + file.at<std::uint16_t>(extra + 2);
    if (next > end) break;
    if (file.at<std::uint16_t>(extra) != kZip64Field) continue;
    extra += 4;
    for (std::uint64_t* field : {&member.content_bytes, &member.packed_bytes, &member.header}) {
      if (*field != std::numeric_limits<std::uint32_t>::max() || extra + 8 > next) continue;
      *field = file.at<std::uint64_t>(extra);
      extra += 8;
    }
    return;
  }
}

/// The member whose entry in the directory is at `position`, which moves to the next entry.
ZipMember read_entry(const Fields& file, std::uint64_t& position, std::uint64_t end) {
  constexpr std::uint16_t kEncrypted = 0x2041;  // the bits of all three kinds
  const std::uint64_t entry = position;
  const std::uint64_t name_bytes = file.at<std::uint16_t>(entry + 28);
  const std::uint64_t extra_bytes = file.at<std::uint16_t>(entry + 30);
  position += kEntryBytes + name_bytes + extra_bytes + file.at<std::uint16_t>(entry + 32);
  if (position > end || file.at<std::uint32_t>(entry) != kDirectoryEntry) {
    file.refuse("damaged ZIP archive: its directory is inconsistent");
  }
  ZipMember member{.name = std::string(file.text(entry + kEntryBytes, name_bytes)),
                   .method = file.at<std::uint16_t>(entry + 10),
                   .crc32 = file.at<std::uint32_t>(entry + 16),
                   .header = file.at<std::uint32_t>(entry + 42),
                   .packed_bytes = file.at<std::uint32_t>(entry + 20),
                   .content_bytes = file.at<std::uint32_t>(entry + 24)};
  if (valid_utf8_bytes(member.name) != name_bytes) file.refuse("damaged ZIP archive: a member's name is not UTF-8");
  read_zip64_field(file, entry + kEntryBytes + name_bytes, extra_bytes, member);
  const std::string named = "member \"" + printable(member.name, 200) + "\": ";
  if ((file.at<std::uint16_t>(entry + 8) & kEncrypted) != 0) file.refuse(named + "is encrypted");
  if (member.method != ZipMember::kStored && member.method != ZipMember::kDeflated) {
    file.refuse(named + "expected stored or deflated bytes, found compression method " + std::to_string(member.method));
  }
  if (member.method == ZipMember::kStored && member.packed_bytes != member.content_bytes) {
    file.refuse(named + "is stored, yet its two sizes differ");
  }
  return member;
}

/// Finds the bytes of `member`, which follow its own header. That must agree with its entry, and the bytes must end
/// before `end`.
void locate(const Fields& file, std::uint64_t end, ZipMember& member) {
  const auto inconsistent = [&] {
    file.refuse("damaged ZIP archive: member \"" + printable(member.name, 200) + "\" is not where the directory says");
  };
  if (member.header > end || end - member.header < kLocalHeaderBytes) inconsistent();
  const std::uint64_t name_bytes = file.at<std::uint16_t>(member.header + 26);
  member.data = member.header + kLocalHeaderBytes + name_bytes + file.at<std::uint16_t>(member.header + 28);
  if (file.at<std::uint32_t>(member.header) != kLocalHeader || member.data > end ||
      member.packed_bytes > end - member.data || file.at<std::uint16_t>(member.header + 8) != member.method ||
      file.text(member.header + kLocalHeaderBytes, name_bytes) != member.name) {
    inconsistent();
  }
}

/// Overlapping members are how a small archive unpacks to a huge one.
void require_apart(const Fields& file, std::vector<ZipMember> members) {
  std::ranges::sort(members, {}, &ZipMember::header);
  std::uint64_t end = 0;
  for (const ZipMember& member : members) {
    if (member.header < end) file.refuse("damaged ZIP archive: two of its members overlap");
    end = member.data + member.packed_bytes;
  }
}

}  // namespace

std::vector<ZipMember> read_zip_directory(std::span<const std::byte> bytes, const std::string& place) {
  const Fields file(bytes, place);
  const Directory directory = find_directory(file);
  std::vector<ZipMember> members;
  members.reserve(directory.entries);
  std::uint64_t position = directory.begin;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    members.push_back(read_entry(file, position, directory.end));
    locate(file, directory.begin, members.back());
  }
  if (position != directory.end) file.refuse("damaged ZIP archive: its directory is longer than its entries");
  require_apart(file, members);
  std::ranges::sort(members, {}, &ZipMember::name);
  const auto doubled = std::ranges::adjacent_find(members, {}, &ZipMember::name);
  if (doubled != members.end()) {
    file.refuse("damaged ZIP archive: two members are named \"" + printable(doubled->name, 200) + "\"");
  }
  return members;
}

}  // namespace runnel
