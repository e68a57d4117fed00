// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/toml_document.h"

#include <algorithm>

#include "runtime/base/utf8.h"
#include "runtime/config/config.h"
#include "runtime/config/toml_key.h"

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

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// The offset after the one-line string that begins at `begin`.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  for (std::size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] == '\n') return i;
    if (text[i] == quote) return i + 1;
    if (text[i] == '\\' && quote == '"') ++i;
  }
  return text.size();
}

// The offset after the multi-line string that begins at `begin`. Up to two quotes may precede the closing three.
std::size_t end_of_long_string(std::string_view text, std::size_t begin) {
  const std::string quotes(3, text[begin]);
  for (std::size_t i = begin + 3; i < text.size(); ++i) {
    if (text.substr(i).starts_with(quotes)) {
      const std::size_t behind = text.find_first_not_of(quotes[0], i);
      return std::min({behind, i + 5, text.size()});
    }
    if (text[i] == '\\' && quotes[0] == '"') ++i;
  }
  return text.size();
}

// The offset after the string that begins at `begin`. A multi-line string ends before its first non-ASCII character,
// which toml++ does not accept there.
std::size_t end_of_ascii_string(std::string_view text, std::size_t begin) {
  const std::string_view rest = text.substr(begin);
  if (!rest.starts_with("\"\"\"") && !rest.starts_with("'''")) return end_of_string(text, begin);
  const std::size_t end = end_of_long_string(text, begin);
  while (begin < end && is_ascii(text[begin])) ++begin;
  return begin;
}

// The offset of the first non-ASCII character outside comments and one-line strings, or the text's size. toml++ 3.3
// tests such characters for white space with a function whose behaviour is undefined for most of them. It reads a
// number up to the next blank, comma or bracket, so a quote inside a number does not begin a string.
std::size_t misplaced_character(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  constexpr std::string_view kBeforeStrings = "\n=[{,.";
  constexpr std::string_view kBeforeNumbers = "=[,";
  char last = '\n';  // the last character that is not blank
  bool number = false;
  std::size_t i = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  while (i < text.size() && is_ascii(text[i])) {
    const char c = text[i];
    const bool quote = c == '"' || c == '\'';
    const bool string = quote && !number && kBeforeStrings.find(last) != std::string_view::npos;
    const bool begins_number = (c >= '0' && c <= '9') || c == '+' || c == '-';
    number = (number && std::string_view(" \t\r\n,]}#").find(c) == std::string_view::npos) ||
             (begins_number && kBeforeNumbers.find(last) != std::string_view::npos);
    if (c != ' ' && c != '\t') last = c;
    i = string ? end_of_ascii_string(text, i) : c == '#' ? std::min(text.find('\n', i), text.size()) : i + 1;
  }
  return i;
}

TomlPosition position_of(std::string_view text, std::size_t offset) {
  TomlPosition position = {1, 1};
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      position = {position.line + 1, 1};
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++position.column;
    }
  }
  return position;
}

void check_dots(std::string_view text) {
  std::uint32_t dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') dots = 0;
    if (text[i] == '.' && ++dots > kMaxDotsPerLine) {
      throw TomlError(position_of(text, i), "more than 32 dots in a line");
    }
  }
}

void check_text(std::string_view text) {
  if (text.size() > kMaxTomlBytes) throw TomlError({1, 1}, "larger than 64 KiB");
  const std::size_t valid = valid_utf8_bytes(text);
  if (valid < text.size()) throw TomlError(position_of(text, valid), "not valid UTF-8");
  const std::size_t misplaced = misplaced_character(text);
  if (misplaced < text.size()) {
    throw TomlError(position_of(text, misplaced),
                    "characters outside ASCII are allowed in comments and one-line strings only");
  }
  check_dots(text);
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

void flatten(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& entries) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + toml_key(key.str());
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

// The line in which an assertion of toml++ fails: the last line of the shortest prefix that makes it fail.
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

std::string toml_key(std::string_view name) {
  const auto is_bare = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_bare)) return std::string(name);
  return quoted(std::string(name));
}

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
