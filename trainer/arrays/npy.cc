// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/npy.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "runtime/base/mapped_file.h"
#include "runtime/base/utf8.h"
#include "trainer/arrays/python_literal.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::string_view kSupported = "supported are bool, uint8 to uint32, int8 to int64, float16 to float64";

/// NumPy's letters for the types that are read; its byte order comes before them.
constexpr std::array kTypes = {
    std::pair("b1"sv, ElementType::boolean), std::pair("u1"sv, ElementType::uint8),
    std::pair("i1"sv, ElementType::int8),    std::pair("u2"sv, ElementType::uint16),
    std::pair("i2"sv, ElementType::int16),   std::pair("u4"sv, ElementType::uint32),
    std::pair("i4"sv, ElementType::int32),   std::pair("i8"sv, ElementType::int64),
    std::pair("f2"sv, ElementType::float16), std::pair("f4"sv, ElementType::float32),
    std::pair("f8"sv, ElementType::float64),
};

std::optional<ElementType> type_of(std::string_view letters) {
  const auto found = std::ranges::find(kTypes, letters, [](const auto& entry) { return entry.first; });
  return found == kTypes.end() ? std::nullopt : std::optional(found->second);
}

/// What to do in Python about the type `descr`, which is not supported.
std::string remedy_for(std::string_view descr) {
  const std::string_view letters = descr.substr(std::min<std::size_t>(descr.size(), 1));
  if (descr.starts_with('>') && type_of(letters)) {
    return "big-endian elements; save array.astype('<" + std::string(letters) + "')";
  }
  if (letters.starts_with('O')) {
    return "pickled objects, which only allow_pickle=True would load; save an array of numbers, such as "
           "array.astype('<f4')";
  }
  if (letters == "u8") return "save array.astype('<i8')";
  if (letters.starts_with('U') || letters.starts_with('S')) return "texts; save numbers that stand for them";
  return std::string(kSupported) + "; save array.astype('<f4')";
}

/// The header's dictionary.
struct Header {
  std::optional<ElementType> type;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;

  /// Whether Fortran's order of elements differs from C's.
  bool is_transposed() const {
    return *fortran_order && std::ranges::count_if(*shape, [](std::int64_t size) { return size > 1; }) > 1;
  }
};

ElementType read_type(PythonLiteral& literal, const std::string& place) {
  const std::uint64_t offset = literal.offset();
  if (literal.skip('[')) {
    refuse_at(place, offset,
              "expected one type for all elements, found a structured type; save each field as an array of its own");
  }
  const std::string descr = literal.text();
  const std::string_view letters = std::string_view(descr).substr(std::min<std::size_t>(descr.size(), 1));
  const auto type = type_of(letters);
  // The order of bytes in one byte does not matter; libraries write any.
  if (type && (descr.front() == '<' || (bytes_of(*type) == 1 && (descr.front() == '|' || descr.front() == '>')))) {
    return *type;
  }
  const std::string shown = printable(std::string_view(descr).substr(0, valid_utf8_bytes(descr)));
  refuse_at(place, offset, "expected a type such as '<f4', found '" + shown + "': " + remedy_for(descr));
}

void read_entry(PythonLiteral& literal, const std::string& place, Header& header) {
  const std::uint64_t offset = literal.offset();
  const std::string key = literal.text();
  literal.expect(':');
  if (key == "descr" && !header.type) {
    header.type = read_type(literal, place);
  } else if (key == "fortran_order" && !header.fortran_order) {
    header.fortran_order = literal.boolean();
  } else if (key == "shape" && !header.shape) {
    header.shape = literal.sizes();
  } else {
    refuse_at(place, offset, "expected the keys descr, fortran_order and shape, each once, found another");
  }
}

Header read_header(std::string_view text, const std::string& place, std::uint64_t offset) {
  PythonLiteral literal(text, place, offset);
  Header header;
  literal.expect('{');
  while (!literal.skip('}')) {
    read_entry(literal, place, header);
    if (literal.skip(',')) continue;
    literal.expect('}');
    break;
  }
  if (!literal.at_end()) literal.refuse("the end of the header");
  if (!header.type || !header.fortran_order || !header.shape) {
    refuse_at(place, offset, "expected the keys descr, fortran_order and shape in the header");
  }
  if (header.is_transposed()) {
    refuse_at(place, offset,
              "expected elements in C order, found fortran_order: True with shape " + shape_text(*header.shape) +
                  "; save numpy.ascontiguousarray(array)");
  }
  return header;
}

/// Where the header's text is.
struct HeaderPlace {
  std::uint64_t begin;
  std::uint64_t bytes;
};

/// The magic, a version of two bytes, and the header's length in two bytes or four.
HeaderPlace find_header(std::span<const std::byte> contents, const std::string& place) {
  constexpr std::size_t kVersion = kMagic.size(), kLength = kVersion + 2;
  if (!begins_as_npy(contents)) {
    const std::string found = found_kind(contents, "save it with numpy.save", "another kind of file");
    refuse_at(place, 0, "expected a NumPy array (.npy), found " + found);
  }
  const auto refuse_short = [&](std::uint64_t needed) {
    refuse_at(place, contents.size(),
              "expected a header of " + std::to_string(needed) + " bytes, found the end of the file; is it complete?");
  };
  if (contents.size() < kLength) refuse_short(kLength);
  const auto major = static_cast<int>(contents[kVersion]), minor = static_cast<int>(contents[kVersion + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    refuse_at(place, kVersion,
              "expected version 1.0, 2.0 or 3.0 of NumPy's format, found " + std::to_string(major) + "." +
                  std::to_string(minor));
  }
  const std::size_t width = major == 1 ? 2 : 4, begin = kLength + width;
  if (contents.size() < begin) refuse_short(begin);
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, contents.data() + kLength, width);
  if (bytes > contents.size() - begin) refuse_short(begin + bytes);
  return {begin, bytes};
}

}  // namespace

bool begins_as_npy(std::span<const std::byte> contents) {
  const std::string_view text(reinterpret_cast<const char*>(contents.data()), contents.size());
  return text.starts_with(kMagic);
}

Array parse_npy_header(std::span<const std::byte> beginning, std::uint64_t total_bytes, const std::string& place,
                       std::string name) {
  const auto [begin, bytes] = find_header(beginning, place);
  const std::string_view text(reinterpret_cast<const char*>(beginning.data()) + begin, bytes);
  Header header = read_header(text, place, begin);
  const std::uint64_t element_bytes = total_bytes - begin - bytes;
  const auto expected = bytes_in_shape(*header.type, *header.shape);
  if (expected != element_bytes) {
    const std::string needed = expected ? std::to_string(*expected) : "more than 2^60";
    refuse_at(place, begin + bytes,
              "expected " + needed + " bytes for " + std::string(name_of(*header.type)) + " " +
                  shape_text(*header.shape) + ", found " + std::to_string(element_bytes) +
                  (expected && *expected < element_bytes ? "; save one array in a file" : "; is it complete?"));
  }
  return {.name = std::move(name), .type = *header.type, .shape = std::move(*header.shape)};
}

Array parse_npy(std::span<const std::byte> contents, const std::string& place, std::string name,
                std::shared_ptr<const void> owner) {
  Array array = parse_npy_header(contents, contents.size(), place, std::move(name));
  array.bytes = contents.last(*bytes_in_shape(array.type, array.shape));
  array.owner = std::move(owner);
  return array;
}

Array read_npy(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  return parse_npy(file->bytes(), path.string(), path.stem().string(), file);
}

}  // namespace runnel
