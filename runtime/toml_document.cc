// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/toml_document.h"

#include <algorithm>

#include "runtime/utf8.h"

namespace {

struct FailedAssertion {};

[[noreturn]] void fail_assertion() {
  throw FailedAssertion{};
}

}  // namespace

// toml++ 3.3 checks some inputs with assertions only ("[&" is one), so assertions are on in every build and throw.
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : fail_assertion())
#define TOML_MAX_NESTED_VALUES 16
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace runnel {
namespace {

// Each dot of a key is a nested table, which toml++ frees by recursion.
constexpr std::uint32_t kMaxDotsPerLine = 32;

TomlPosition position_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

void check_text(std::string_view text) {
  if (text.size() > kMaxTomlBytes) throw TomlError({1, 1}, "larger than 64 KiB");
  const std::size_t valid = valid_utf8_bytes(text);
  TomlPosition position = {1, 1};
  std::uint32_t dots = 0;
  for (const char c : text.substr(0, valid)) {
    if (c == '\n') {
      position = {position.line + 1, 1};
      dots = 0;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++position.column;
      dots += c == '.' ? 1 : 0;
    }
    if (dots > kMaxDotsPerLine) throw TomlError({position.line, 1}, "more than 32 dots in a line");
  }
  if (valid < text.size()) throw TomlError(position, "not valid UTF-8");
}

TomlValue convert(const toml::node& node) {
  TomlValue value = {TomlDateOrTime{}, position_of(node.source())};
  if (const auto* boolean = node.as_boolean()) {
    value.data = boolean->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    value.data = real->get();
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (node.is_table()) {
    value.data = TomlTable{};
  } else if (const auto* array = node.as_array()) {
    TomlArray elements;
    for (const toml::node& element : *array) elements.push_back(convert(element));
    value.data = std::move(elements);
  }
  return value;
}

std::string quoted_unless_bare(std::string_view name) {
  const auto is_bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_bare)) return std::string(name);
  return '"' + std::string(name) + '"';
}

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& entries) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + quoted_unless_bare(key.str());
    entries.push_back({path, position_of(key.source()), convert(node)});
    if (const toml::table* inner = node.as_table()) flatten(*inner, path + '.', entries);
  }
}

bool fails_assertion(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (const FailedAssertion&) {
    return true;
  } catch (const toml::parse_error&) {
  }
  return false;
}

// The line in which toml++ meets a failing assertion: the last one of the shortest text that makes it fail.
std::uint32_t line_of_assertion(std::string_view text) {
  std::vector<std::size_t> line_ends;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') line_ends.push_back(i + 1);
  }
  const auto passes = [text](std::size_t end) { return !fails_assertion(text.substr(0, end)); };
  const auto line = std::partition_point(line_ends.begin(), line_ends.end(), passes);
  return static_cast<std::uint32_t>(line - line_ends.begin()) + 1;
}

}  // namespace

std::vector<TomlEntry> parse_toml(std::string_view text) {
  check_text(text);
  std::vector<TomlEntry> entries;
  try {
    flatten(toml::parse(text), "", entries);
  } catch (const toml::parse_error& error) {
    throw TomlError(position_of(error.source()), printable(error.description(), 200));
  } catch (const FailedAssertion&) {
    throw TomlError({line_of_assertion(text), 1}, "malformed line");
  }
  std::stable_sort(entries.begin(), entries.end(),
                   [](const TomlEntry& a, const TomlEntry& b) { return a.position < b.position; });
  return entries;
}

}  // namespace runnel
