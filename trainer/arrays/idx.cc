// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/idx.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "runtime/base/run_error.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

constexpr std::array kTypes = {
    std::pair(0x08U, ElementType::uint8),   std::pair(0x09U, ElementType::int8),
    std::pair(0x0BU, ElementType::int16),   std::pair(0x0CU, ElementType::int32),
    std::pair(0x0DU, ElementType::float32), std::pair(0x0EU, ElementType::float64),
};

std::string hexadecimal(std::uint32_t value) {
  std::array<char, 11> text{};
  std::snprintf(text.data(), text.size(), "0x%08x", value);
  return text.data();
}

/// From big-endian to this machine's order.
void swap_bytes(std::vector<std::byte>& elements, std::size_t width) {
  for (std::size_t i = 0; width > 1 && i < elements.size(); i += width) {
    std::reverse(elements.begin() + static_cast<std::ptrdiff_t>(i),
                 elements.begin() + static_cast<std::ptrdiff_t>(i + width));
  }
}

}  // namespace

IdxFile::IdxFile(const std::filesystem::path& path, const std::optional<Kind>& kind)
    : path_(path.string()), file_(std::make_shared<const MappedFile>(path)) {
  if (begins_as_gzip(file_->bytes())) gzip_ = std::make_unique<GzipStream>(file_->bytes(), path_);
  read_magic(kind);
  for (std::size_t i = 0; i < dimensions_; ++i) shape_.push_back(read_u32());
  header_bytes_ = position_;
  refuse_impossible_length();
}

void IdxFile::read_magic(const std::optional<Kind>& kind) {
  const std::uint32_t magic = read_u32();
  if (kind && magic != kind->magic) refuse_magic(magic, kind);
  const auto type = std::ranges::find(kTypes, magic >> 8, [](const auto& entry) { return entry.first; });
  dimensions_ = magic & 0xFFU;
  if (type == kTypes.end() || dimensions_ == 0) refuse_magic(magic, kind);
  type_ = type->second;
}

void IdxFile::refuse_magic(std::uint32_t found, const std::optional<Kind>& kind) const {
  const std::string_view remedy = kind ? kind->remedy : "give an IDX file";
  refuse(
      "expected the IDX magic number " +
      (kind ? hexadecimal(kind->magic) : "0x0000TTDD, with a type TT of 08, 09, 0b, 0c, 0d or 0e and DD dimensions") +
      ", found " + (gzip_ ? hexadecimal(found) : found_kind(file_->bytes(), remedy, hexadecimal(found))));
}

/// A header may promise terabytes. No file holds more than deflate's best ratio, 1032:1, times its size.
void IdxFile::refuse_impossible_length() {
  constexpr std::uint64_t kBestRatio = 1032;
  const auto bytes = bytes_in_shape(type_, shape_);
  if (!bytes) refuse("expected fewer than 2^60 elements, found sizes " + shape_text(shape_));
  element_bytes_ = *bytes;
  if (total_bytes() / kBestRatio <= file_->bytes().size()) return;
  refuse("expected " + std::to_string(total_bytes()) + " bytes for " + std::to_string(shape_.front()) +
         " samples, found a file of " + std::to_string(file_->bytes().size()));
}

Array IdxFile::read(std::string name) {
  const std::uint64_t file_bytes = file_->bytes().size();
  if (!gzip_ && file_bytes < total_bytes()) refuse_end(file_bytes);
  if (!gzip_ && file_bytes > total_bytes()) refuse_more();
  if (!gzip_ && bytes_of(type_) == 1) {
    return {std::move(name), type_, std::move(shape_), file_->bytes().subspan(header_bytes_), file_};
  }
  std::vector<std::byte> elements(element_bytes_);
  read_all(elements);
  std::array<std::byte, 1> beyond{};
  if (read_some(beyond) != 0) refuse_more();
  swap_bytes(elements, bytes_of(type_));
  return owning_array(std::move(name), type_, std::move(shape_), std::move(elements));
}

std::size_t IdxFile::read_some(std::span<std::byte> bytes) {
  const std::uint64_t left = gzip_ ? 0 : file_->bytes().size() - position_;
  const std::size_t got = gzip_ ? gzip_->read(bytes) : std::min<std::uint64_t>(bytes.size(), left);
  if (!gzip_) std::ranges::copy(file_->bytes().subspan(position_, got), bytes.begin());
  position_ += got;
  return got;
}

void IdxFile::read_all(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t got = read_some(bytes);
    if (got == 0) refuse_end(position_);
    bytes = bytes.subspan(got);
  }
}

std::uint32_t IdxFile::read_u32() {
  std::array<std::byte, 4> b{};
  read_all(b);
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(b[i]); };
  return byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
}

void IdxFile::refuse_end(std::uint64_t found) const {
  refuse("expected " + (header_bytes_ == 0 ? "a header" : std::to_string(total_bytes()) + " bytes") + ", found " +
         std::to_string(found) + " bytes");
}

void IdxFile::refuse_more() const {
  refuse("expected " + std::to_string(total_bytes()) + " bytes, found more");
}

void IdxFile::refuse(const std::string& what) const {
  throw RunError(ExitStatus::bad_data, path_ + ": " + what);
}

Array read_idx(const std::filesystem::path& path) {
  const bool is_packed = path.extension() == ".gz";
  return IdxFile(path).read((is_packed ? path.stem() : path.filename()).string());
}

}  // namespace runnel
