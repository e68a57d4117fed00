// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/gzip_stream.h"

#include <algorithm>
#include <new>
#include <utility>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

constexpr std::size_t kMostPiece = 1 << 30;  // zlib counts in 32 bits

}  // namespace

GzipStream::GzipStream(std::span<const std::byte> packed, std::string place) : rest_(packed), place_(std::move(place)) {
  constexpr int kGzipOnly = 16;
  if (inflateInit2(&stream_, kGzipOnly + MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

GzipStream::~GzipStream() {
  inflateEnd(&stream_);
}

std::size_t GzipStream::read(std::span<std::byte> bytes) {
  if (bytes.empty()) return 0;
  const std::size_t room = std::min(bytes.size(), kMostPiece);
  stream_.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream_.avail_out = static_cast<uInt>(room);
  while (!ended_ && stream_.avail_out == room) {
    if (stream_.avail_in == 0) refill();
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      begin_next_member();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(stream_.msg == nullptr ? "damaged gzip data" : stream_.msg);
    }
  }
  return room - stream_.avail_out;
}

void GzipStream::refill() {
  if (rest_.empty()) fail("unexpected end of file");
  const auto piece = rest_.first(std::min(rest_.size(), kMostPiece));
  // zlib reads through this pointer, and writes to no input.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
  stream_.avail_in = static_cast<uInt>(piece.size());
  rest_ = rest_.subspan(piece.size());
}

void GzipStream::begin_next_member() {
  rest_ = {reinterpret_cast<const std::byte*>(stream_.next_in), stream_.avail_in + rest_.size()};
  stream_.avail_in = 0;
  ended_ = rest_.empty();
  if (ended_) return;
  if (!begins_as_gzip(rest_)) fail("bytes after the end of the gzip data");
  inflateReset(&stream_);
}

void GzipStream::fail(const char* found) const {
  throw RunError(ExitStatus::bad_data, place_ + ": expected readable data, found: " + found);
}

bool begins_as_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

}  // namespace runnel
