// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/csv_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/arrays/refusal.h"

namespace runnel {
namespace {

/// Spreadsheets that save as UTF-8 put it there.
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void refuse(const std::string& place, const std::string& what) {
  throw RunError(ExitStatus::bad_data, place + ": line 1: " + what);
}

void refuse_other_formats(std::string_view text, const std::string& place) {
  constexpr std::string_view kExpected = "expected names of columns in UTF-8, found ";
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    refuse(place, std::string(kExpected) + "UTF-16; save the file as UTF-8");
  }
  const std::string kind = found_kind(std::as_bytes(std::span(text)), "save it as CSV", "");
  if (!kind.empty()) refuse(place, std::string(kExpected) + kind);
}

char find_delimiter(std::string_view text) {
  constexpr std::string_view kDelimiters = ",;\t";
  std::array<std::size_t, kDelimiters.size()> counts{};
  bool quoted = false;
  for (const char character : text) {
    if (character == '\n' && !quoted) break;
    quoted ^= character == '"';
    const std::size_t which = kDelimiters.find(character);
    if (which != kDelimiters.npos && !quoted) ++counts[which];
  }
  return kDelimiters[static_cast<std::size_t>(std::ranges::max_element(counts) - counts.begin())];
}

/// The name at `position`, which moves to the cell's end.
std::string read_name(std::string_view text, std::size_t& position, char delimiter, const std::string& place) {
  const std::size_t begin = position;
  const bool quoted = text.substr(position).starts_with('"');
  if (quoted) position = end_of_csv_quotes(text, position);
  if (position == text.npos) refuse(place, "expected a closing quote after the name of a column");
  const std::size_t after_quotes = position;
  position = end_of_csv_cell(text, position, delimiter);
  if (quoted && after_quotes != position) {
    refuse(place, "expected the end of a name after its closing quote; double quotes within a name");
  }
  const std::string_view cell = text.substr(begin, position - begin);
  const std::string name = quoted ? unquoted_csv_cell(cell) : std::string(trimmed_csv_cell(cell, delimiter));
  if (valid_utf8_bytes(name) != name.size()) {
    refuse(place, "expected names of columns in UTF-8, found other bytes; save the file as UTF-8");
  }
  return name;
}

/// Whether the names are numbers, and so the first row. 0, 1, 2, … are names: pandas gives them to columns without.
bool are_numbers(const std::vector<std::string>& names) {
  bool counts = true;
  const bool has_index = names.size() > 1 && names.front().empty();
  for (std::size_t i = has_index ? 1 : 0; i < names.size(); ++i) {
    if (!is_csv_number(names[i])) return false;
    counts &= names[i] == std::to_string(i - (has_index ? 1 : 0));
  }
  return !counts;
}

}  // namespace

CsvHeader read_csv_header(std::string_view text, const std::string& place) {
  // Each costs a hundred bytes, and a file of commas has as many as bytes.
  constexpr std::size_t kMostColumns = 1'000'000;
  refuse_other_formats(text, place);
  std::size_t position = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  const std::size_t begin = position;
  CsvHeader header{.delimiter = find_delimiter(text.substr(position))};
  for (bool more = true; more; position += more ? 1 : 0) {
    header.names.push_back(read_name(text, position, header.delimiter, place));
    if (header.names.size() > kMostColumns) refuse(place, "expected at most a million columns, found more");
    more = position < text.size() && text[position] == header.delimiter;
  }
  if (text.substr(position).starts_with('\r')) ++position;
  if (text.substr(position).starts_with('\n')) ++position;
  if (header.names == std::vector<std::string>{""}) refuse(place, "expected names of columns, found an empty line");
  if (are_numbers(header.names)) {
    refuse(place, "expected names of columns, found numbers; put a line with names before them");
  }
  const std::string_view read = text.substr(begin, position - begin);
  header.lines = static_cast<std::size_t>(std::ranges::count(read, '\n'));
  header.bytes = position;
  return header;
}

bool ends_csv_cell(std::string_view text, std::size_t position, char delimiter) {
  if (position == text.size()) return true;
  const char character = text[position];
  if (character == '\r') return position + 1 == text.size() || text[position + 1] == '\n';
  return character == delimiter || character == '\n';
}

std::size_t end_of_csv_cell(std::string_view text, std::size_t position, char delimiter) {
  while (!ends_csv_cell(text, position, delimiter)) ++position;
  return position;
}

std::size_t end_of_csv_quotes(std::string_view text, std::size_t position) {
  for (++position;; position += 2) {
    position = text.find('"', position);
    if (position == text.npos) return position;
    if (!text.substr(position + 1).starts_with('"')) return position + 1;
  }
}

std::string unquoted_csv_cell(std::string_view quoted) {
  std::string text;
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '"') ++i;
    text += quoted[i];
  }
  return text;
}

bool is_csv_number(std::string_view cell) {
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
  return error != std::errc::invalid_argument && end == cell.data() + cell.size();
}

std::string_view trimmed_csv_cell(std::string_view text, char delimiter) {
  const std::string_view spaces = delimiter == '\t' ? " " : " \t";
  const std::size_t begin = std::min(text.find_first_not_of(spaces), text.size());
  return text.substr(begin, text.find_last_not_of(spaces) + 1 - begin);
}

}  // namespace runnel
