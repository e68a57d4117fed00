// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/gzip_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

constexpr std::size_t kInputBytes = 256 * 1024;

}  // namespace

GzipFile::GzipFile(const std::filesystem::path& path)
    : path_(path), file_(std::fopen(path.c_str(), "rb")), input_(kInputBytes) {
  if (!file_) {
    throw RunError(ExitStatus::input_missing, path.string() + ": cannot be opened: " + std::strerror(errno));
  }
  compressed_ = begins_member();
  constexpr int kGzipOnly = 16;
  if (compressed_ && inflateInit2(&stream_, kGzipOnly + MAX_WBITS) != Z_OK) fail("no memory to decompress it");
}

GzipFile::~GzipFile() {
  if (compressed_) inflateEnd(&stream_);
}

std::size_t GzipFile::read(std::span<std::uint8_t> bytes) {
  return compressed_ ? decompress(bytes) : copy(bytes);
}

bool GzipFile::refill() {
  if (stream_.avail_in > 0) std::memmove(input_.data(), stream_.next_in, stream_.avail_in);
  const std::size_t free = input_.size() - stream_.avail_in;
  const std::size_t got = std::fread(input_.data() + stream_.avail_in, 1, free, file_.get());
  if (std::ferror(file_.get()) != 0) fail(std::strerror(errno));
  stream_.next_in = input_.data();
  stream_.avail_in += static_cast<unsigned>(got);
  return got > 0;
}

std::size_t GzipFile::copy(std::span<std::uint8_t> bytes) {
  if (stream_.avail_in == 0) refill();
  const std::size_t count = std::min<std::size_t>(bytes.size(), stream_.avail_in);
  std::copy_n(stream_.next_in, count, bytes.data());
  stream_.next_in += count;
  stream_.avail_in -= static_cast<unsigned>(count);
  return count;
}

std::size_t GzipFile::decompress(std::span<std::uint8_t> bytes) {
  stream_.next_out = bytes.data();
  stream_.avail_out = static_cast<unsigned>(bytes.size());
  while (!ended_ && stream_.avail_out == bytes.size()) {
    if (stream_.avail_in == 0 && !refill()) fail("unexpected end of file");
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      begin_next_member();
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(stream_.msg == nullptr ? "damaged gzip data" : stream_.msg);
    }
  }
  return bytes.size() - stream_.avail_out;
}

bool GzipFile::begins_member() {
  while (stream_.avail_in < 2 && refill()) {
  }
  return stream_.avail_in >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
}

void GzipFile::begin_next_member() {
  const bool more = begins_member();
  if (!more && stream_.avail_in > 0) fail("bytes after the end of the gzip data");
  ended_ = !more;
  if (more) inflateReset(&stream_);
}

void GzipFile::fail(const char* found) const {
  throw RunError(ExitStatus::bad_data, path_.string() + ": expected readable data, found: " + found);
}

}  // namespace runnel
