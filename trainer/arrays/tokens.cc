// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/tokens.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/base/mapped_file.h"
#include "runtime/base/utf8.h"
#include "trainer/arrays/gzip_stream.h"
#include "trainer/arrays/npy.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

bool is_integer(ElementType type) {
  return type >= ElementType::uint8 && type <= ElementType::int64;
}

/// Whether the bytes are letters and signs, and enough of them for that to be no accident.
bool begins_as_text(std::span<const std::byte> bytes) {
  constexpr std::size_t kEnough = 64, kLongestLetter = 4;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kEnough));
  const auto is_control = [](char c) {
    return (c >= 0 && c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F;
  };
  return text.size() == kEnough && std::ranges::none_of(text, is_control) &&
         valid_utf8_bytes(text) > kEnough - kLongestLetter;
}

/// Whether the first four bytes may be tokens, although other formats begin with the first two.
bool may_be_tokens(std::span<const std::byte> bytes) {
  constexpr std::byte kDeflate{8}, kMostFlags{0x1f};
  if (begins_as_gzip(bytes)) return bytes.size() < 4 || bytes[2] != kDeflate || bytes[3] > kMostFlags;
  return bytes.size() >= 2 && bytes[0] == std::byte{0x80} && bytes[1] == std::byte{2};  // as a pickle
}

/// Nothing in a file tells that it holds raw tokens, but other formats tell what they are.
void refuse_other_formats(std::span<const std::byte> bytes, ElementType raw, const std::string& place) {
  if (may_be_tokens(bytes)) return;
  const std::string remedy = "write tokens with array.astype('<u" + std::to_string(bytes_of(raw)) + "').tofile(path)";
  const std::string found = found_kind(bytes, remedy, begins_as_text(bytes) ? "a text; " + remedy : "");
  if (found.empty()) return;
  refuse_at(place, 0, "expected raw tokens of type " + std::string(name_of(raw)) + ", found " + found);
}

}  // namespace

Array read_tokens(const std::filesystem::path& path, ElementType raw) {
  const std::string place = path.string();
  const auto file = std::make_shared<const MappedFile>(path);
  const auto bytes = file->bytes();
  const auto count = static_cast<std::int64_t>(bytes.size() / bytes_of(raw));
  const bool is_raw = !begins_as_npy(bytes);
  if (is_raw) refuse_other_formats(bytes, raw, place);
  if (is_raw && bytes.size() % bytes_of(raw) != 0) {
    refuse_at(place, bytes.size(),
              "expected whole tokens of type " + std::string(name_of(raw)) +
                  ", found the end of the file in one; is "
                  "their type another?");
  }
  Array tokens = is_raw ? Array{"tokens", raw, {count}, bytes, file} : parse_npy(bytes, place, "tokens", file);
  if (!is_integer(tokens.type) || tokens.shape.size() != 1) {
    refuse_at(place, 0,
              "expected tokens, integers in one dimension, found " + std::string(name_of(tokens.type)) + " " +
                  shape_text(tokens.shape) + "; save array.ravel().astype('<u4')");
  }
  if (tokens.bytes.empty()) refuse_at(place, bytes.size(), "expected at least one token, found none");
  return tokens;
}

}  // namespace runnel
