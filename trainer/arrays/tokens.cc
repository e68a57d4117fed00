// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/tokens.h"

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/mapped_file.h"
#include "trainer/arrays/npy.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

bool is_integer(ElementType type) {
  return type >= ElementType::uint8 && type <= ElementType::int64;
}

}  // namespace

Array read_tokens(const std::filesystem::path& path, ElementType raw) {
  const std::string place = path.string();
  const auto file = std::make_shared<const MappedFile>(path);
  const auto bytes = file->bytes();
  const auto count = static_cast<std::int64_t>(bytes.size() / bytes_of(raw));
  const bool is_raw = !begins_as_npy(bytes);
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
