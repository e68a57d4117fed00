// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace runnel {

/// Line and column, from 1; columns count characters.
struct TomlPosition {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  auto operator<=>(const TomlPosition&) const = default;
};

struct TomlValue;
struct TomlTable {};
struct TomlDateOrTime {};
using TomlArray = std::vector<TomlValue>;

/// A value without its path. A table's members are entries of their own; those of tables inside arrays are left out.
struct TomlValue {
  std::variant<bool, std::int64_t, double, std::string, TomlArray, TomlTable, TomlDateOrTime> data;
  TomlPosition position;
};

/// One key of a document. `path` joins the names from the root by dots, with names that are not bare keys in quotes.
struct TomlEntry {
  std::string path;
  TomlPosition position;
  TomlValue value;
};

/// Text that is not TOML, or that exceeds a limit.
class TomlError : public std::runtime_error {
 public:
  TomlError(TomlPosition position, const std::string& message) : std::runtime_error(message), position_(position) {}

  TomlPosition position() const { return position_; }

 private:
  TomlPosition position_;
};

inline constexpr std::size_t kMaxTomlBytes = std::size_t{64} * 1024;

/// All keys of a TOML 1.0 document, tables included, in the order of the text.
///
/// Throws `TomlError` for all other bytes: the text is not trusted. Text over
/// `kMaxTomlBytes`, values nested deeper than 16 and lines with more than 32 dots are refused, which bounds time and
/// stack.
std::vector<TomlEntry> parse_toml(std::string_view text);

}  // namespace runnel
