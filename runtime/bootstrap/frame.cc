// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/frame.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "transport/crc32.h"

namespace runnel {
namespace {

static_assert(std::endian::native == std::endian::little,
              "frames are little-endian, and so is every supported machine");

constexpr std::uint64_t kMagic = 0x314D52464C4E5552;  // "RUNLFRM1" as bytes

struct Header {
  std::uint64_t magic;
  std::uint32_t protocol;
  std::uint32_t kind;
  std::uint32_t payload_bytes;
  std::uint32_t payload_crc32;
};
static_assert(sizeof(Header) == 24);

template <class Value>
Value load(std::span<const std::byte> bytes) {
  Value value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <class Value>
void append(std::vector<std::byte>& to, const Value& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

}  // namespace

void FrameWriter::u8(std::uint8_t value) {
  append(payload_, value);
}
void FrameWriter::u32(std::uint32_t value) {
  append(payload_, value);
}

void FrameWriter::bytes(std::span<const std::byte> value) {
  u32(static_cast<std::uint32_t>(value.size()));
  payload_.insert(payload_.end(), value.begin(), value.end());
}

void FrameWriter::text(std::string_view value) {
  bytes(std::as_bytes(std::span(value)));
}

std::vector<std::byte> FrameWriter::seal(FrameKind kind) const {
  const Header header{.magic = kMagic,
                      .protocol = kProtocolVersion,
                      .kind = static_cast<std::uint32_t>(kind),
                      .payload_bytes = static_cast<std::uint32_t>(payload_.size()),
                      .payload_crc32 = crc32(payload_)};
  std::vector<std::byte> frame(sizeof header + payload_.size());
  std::memcpy(frame.data(), &header, sizeof header);
  std::copy(payload_.begin(), payload_.end(), frame.begin() + sizeof header);
  return frame;
}

FrameReader::FrameReader(std::span<const std::byte> frame, FrameKind kind, std::string sender)
    : sender_(std::move(sender)) {
  if (frame.size() < sizeof(Header)) {
    fail(std::to_string(frame.size()) + " bytes, less than the header's " + std::to_string(sizeof(Header)));
  }
  const auto header = load<Header>(frame);
  if (header.magic != kMagic) fail("it does not begin with Runnel's magic: is every rank the same program?");
  if (header.protocol != kProtocolVersion) {
    fail("protocol version " + std::to_string(header.protocol) + ", this process speaks " +
         std::to_string(kProtocolVersion) + "; start the same build on every host");
  }
  if (header.kind != static_cast<std::uint32_t>(kind)) {
    fail("kind " + std::to_string(header.kind) + ", expected " + std::to_string(static_cast<std::uint32_t>(kind)));
  }
  rest_ = frame.subspan(sizeof(Header));
  if (header.payload_bytes != rest_.size()) {
    fail("payload of " + std::to_string(rest_.size()) + " bytes, the header says " +
         std::to_string(header.payload_bytes));
  }
  if (header.payload_crc32 != crc32(rest_)) fail("its checksum is wrong: the bytes changed on the way");
}

std::uint8_t FrameReader::u8() {
  return load<std::uint8_t>(take(sizeof(std::uint8_t)));
}
std::uint32_t FrameReader::u32() {
  return load<std::uint32_t>(take(sizeof(std::uint32_t)));
}

std::span<const std::byte> FrameReader::bytes() {
  return take(u32());
}

std::string FrameReader::text() {
  const auto raw = bytes();
  return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

void FrameReader::finish() const {
  if (!rest_.empty()) fail(std::to_string(rest_.size()) + " bytes more than its fields");
}

std::span<const std::byte> FrameReader::take(std::size_t count) {
  if (count > rest_.size()) {
    fail("a field of " + std::to_string(count) + " bytes where " + std::to_string(rest_.size()) + " are left");
  }
  const auto taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

void FrameReader::fail(const std::string& what) const {
  throw FrameError("bad bootstrap frame from " + sender_ + ": " + what);
}

}  // namespace runnel
