// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace runnel {

/// Reads the part of Python's literals that headers of NumPy are written in, token by token: texts without escapes,
/// integers, True and False, and the brackets around them. Spaces between tokens are skipped.
class PythonLiteral {
 public:
  /// `text` is at byte `offset` of the file `place`, and outlives this object.
  PythonLiteral(std::string_view text, std::string place, std::uint64_t offset)
      : text_(text), place_(std::move(place)), offset_(offset) {}

  /// Each of these reads one token and moves past it, or throws `RunError` (bad_data) as `refuse` does.
  void expect(char token);
  std::string text();
  bool boolean();

  /// Tuple of integers that are not negative: `()`, `(3,)`, `(3, 4)`; at most 64 of them, as NumPy has it.
  std::vector<std::int64_t> sizes();

  /// Moves past `token` and returns true when that is next.
  bool skip(char token);

  /// Whether nothing but spaces and a line end is left.
  bool at_end();

  /// Throws `RunError` (bad_data): "PLACE: byte N: expected EXPECTED, found …" with what is next.
  [[noreturn]] void refuse(const std::string& expected);

  /// Position of the next token in the file.
  std::uint64_t offset();

 private:
  void skip_spaces();
  std::int64_t size();

  std::string_view text_;
  std::size_t next_ = 0;
  std::string place_;
  std::uint64_t offset_;
};

}  // namespace runnel
