// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/region_descriptor.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>

#include "transport/crc32.h"
#include "transport/status.h"

namespace runnel {
namespace {

static_assert(std::endian::native == std::endian::little, "wire records are little-endian and copied as they are");

constexpr std::uint32_t kMagic = 0x52474552;  // "REGR", read as bytes
constexpr std::uint16_t kVersion = 1;
// Keys are some tens of bytes per transport; a longer one is damage.
constexpr std::size_t kMaxKeyBytes = 4096;

/// The record's fixed part, without padding; the key and a CRC-32 of all before it follow.
struct Header {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint8_t kind;
  std::uint8_t reserved;
  std::uint64_t base;
  std::uint64_t length;
  std::uint32_t key_bytes;
  std::uint32_t record_bytes;
};
static_assert(sizeof(Header) == 32 && std::is_trivially_copyable_v<Header>);

void require(bool condition, const char* field) {
  if (!condition) throw TransportError(StatusCode::invalid, std::string("region descriptor: bad ") + field);
}

}  // namespace

std::vector<std::byte> encode(const RegionDescriptor& descriptor) {
  const std::size_t key_bytes = descriptor.packed_key.size();
  const std::size_t checked_bytes = sizeof(Header) + key_bytes;
  const std::size_t record_bytes = checked_bytes + sizeof(std::uint32_t);
  const Header header = {.magic = kMagic,
                         .version = kVersion,
                         .kind = static_cast<std::uint8_t>(descriptor.kind),
                         .reserved = 0,
                         .base = descriptor.base,
                         .length = descriptor.length,
                         .key_bytes = static_cast<std::uint32_t>(key_bytes),
                         .record_bytes = static_cast<std::uint32_t>(record_bytes)};
  std::vector<std::byte> record(record_bytes);
  std::memcpy(record.data(), &header, sizeof header);
  std::copy(descriptor.packed_key.begin(), descriptor.packed_key.end(), record.begin() + sizeof header);
  const std::uint32_t crc = crc32(std::span(record).first(checked_bytes));
  std::memcpy(record.data() + checked_bytes, &crc, sizeof crc);
  return record;
}

RegionDescriptor decode_region_descriptor(std::span<const std::byte> record) {
  Header header;
  std::uint32_t crc = 0;
  require(record.size() >= sizeof header + sizeof crc, "length: truncated");
  std::memcpy(&header, record.data(), sizeof header);
  require(header.magic == kMagic, "magic");
  require(header.version == kVersion, "version");
  require(header.record_bytes == record.size(), "length");
  require(header.key_bytes <= kMaxKeyBytes && header.key_bytes == record.size() - sizeof header - sizeof crc,
          "key length");
  std::memcpy(&crc, record.data() + record.size() - sizeof crc, sizeof crc);
  require(crc == crc32(record.first(record.size() - sizeof crc)), "checksum");
  require(header.reserved == 0, "reserved byte");
  require(header.kind <= static_cast<std::uint8_t>(MemoryKind::cuda), "memory kind");
  require(header.length != 0 && header.base + header.length > header.base, "extent");
  const auto key = record.subspan(sizeof header, header.key_bytes);
  return {.kind = static_cast<MemoryKind>(header.kind),
          .base = header.base,
          .length = header.length,
          .packed_key = {key.begin(), key.end()}};
}

}  // namespace runnel
