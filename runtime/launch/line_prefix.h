// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace runnel {

/// Puts a prefix before each line of a stream. A line ends with a line feed, a carriage return (as a progress bar's
/// does), or both.
class LinePrefix {
 public:
  /// A line without an end is passed on in parts of this size: it would be held for ever.
  static constexpr std::size_t kLongestLine = std::size_t{1} << 20;

  explicit LinePrefix(std::string prefix) : prefix_(std::move(prefix)) {}

  /// Takes a part of the stream, of any length. Gives the lines that are complete.
  std::string pass(std::string_view part);

  /// Gives the last line, with an end if it had none.
  std::string finish();

 private:
  std::string prefix_;
  std::string partial_;  // may end with a carriage return, whose line feed has not come
};

}  // namespace runnel
