// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/trainer/archive/zip_files.h"

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <span>

namespace runnel::test {
namespace {

template <class... Numbers>
void put(Bytes& bytes, Numbers... numbers) {
  const auto one = [&](auto number) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof(number));
    std::memcpy(bytes.data() + at, &number, sizeof(number));
  };
  (one(numbers), ...);
}

void put_text(Bytes& bytes, const std::string& text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

std::string deflated(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

/// Adds a member to `file`, and its entry to `directory`.
void add(Bytes& file, Bytes& directory, const ZipText& member, bool zip64) {
  const std::string packed = member.deflated ? deflated(member.contents) : member.contents;
  const auto crc = static_cast<U32>(
      crc32(0, reinterpret_cast<const Bytef*>(member.contents.data()), static_cast<uInt>(member.contents.size())));
  const U64 position = file.size();
  const U16 method = member.deflated ? 8 : 0, name_bytes = static_cast<U16>(member.name.size());
  const U16 extra_bytes = zip64 ? 28 : 0;
  const auto narrow = [&](U64 value) { return zip64 ? ~U32{0} : static_cast<U32>(value); };
  put(file, U32{0x04034b50}, U16{20}, U16{0x800}, method, U32{0}, crc, static_cast<U32>(packed.size()),
      static_cast<U32>(member.contents.size()), name_bytes, U16{0});
  put_text(file, member.name);
  put_text(file, packed);
  put(directory, U32{0x02014b50}, U16{20}, U16{20}, U16{0x800}, method, U32{0}, crc, narrow(packed.size()),
      narrow(member.contents.size()), name_bytes, extra_bytes, U16{0}, U16{0}, U16{0}, U32{0}, narrow(position));
  put_text(directory, member.name);
  if (zip64) put(directory, U16{1}, U16{24}, U64{member.contents.size()}, U64{packed.size()}, position);
}

}  // namespace

Bytes make_zip(const std::vector<ZipText>& members, bool zip64) {
  Bytes file, directory;
  for (const ZipText& member : members) add(file, directory, member, zip64);
  const U64 begin = file.size(), bytes = directory.size(), entries = members.size();
  file.insert(file.end(), directory.begin(), directory.end());
  if (zip64) {
    const U64 record = file.size();
    put(file, U32{0x06064b50}, U64{44}, U16{45}, U16{45}, U32{0}, U32{0}, entries, entries, bytes, begin);
    put(file, U32{0x07064b50}, U32{0}, record, U32{1});
  }
  const U16 count = zip64 ? 0xffff : static_cast<U16>(entries);
  const auto narrow = [&](U64 value) { return zip64 ? ~U32{0} : static_cast<U32>(value); };
  put(file, U32{0x06054b50}, U16{0}, U16{0}, count, count, narrow(bytes), narrow(begin), U16{0});
  return file;
}

}  // namespace runnel::test
