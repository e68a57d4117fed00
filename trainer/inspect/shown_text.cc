// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/shown_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "runtime/base/utf8.h"

namespace runnel {
namespace {

/// Characters of `text`, which is valid UTF-8: about the columns that it takes in a terminal.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string padded(const std::string& cell, std::size_t columns, bool on_the_right) {
  const std::string spaces(columns - columns_of(cell), ' ');
  return "  " + (on_the_right ? spaces + cell : cell + spaces);
}

}  // namespace

std::string shown(std::string_view text, std::size_t most_bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string valid;
  while (!text.empty() && valid.size() <= most_bytes) {
    const std::size_t bytes = valid_utf8_bytes(text);
    valid += text.substr(0, bytes);
    text.remove_prefix(bytes);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    valid += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    text.remove_prefix(1);
  }
  return printable(valid, most_bytes);
}

std::string number_text(double number) {
  constexpr double kMostWhole = 9007199254740992;  // 2^53
  char text[32];
  const bool is_whole = number == std::trunc(number) && std::abs(number) <= kMostWhole;
  std::snprintf(text, sizeof(text), is_whole ? "%.0f" : "%.6g", number == 0 ? 0 : number);
  return std::isnan(number) ? "nan" : text;
}

std::string aligned(const std::vector<std::vector<std::string>>& lines, bool on_the_right) {
  std::vector<std::size_t> columns;
  for (const auto& line : lines) {
    columns.resize(std::max(columns.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) columns[i] = std::max(columns[i], columns_of(line[i]));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) row += padded(line[i], columns[i], on_the_right);
    row.erase(row.find_last_not_of(' ') + 1);
    text += row + "\n";
  }
  return text;
}

}  // namespace runnel
