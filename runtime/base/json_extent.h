// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string_view>

namespace runnel {

/// How large a JSON text becomes when it is parsed.
struct JsonExtent {
  std::size_t depth = 0;   ///< arrays and objects within each other
  std::size_t values = 0;  ///< at most: names and values of all kinds
};

/// Counts brackets and commas instead of parsing, because a parser's memory grows with depth and number of values: the
/// way to bound both for a text from elsewhere. `text` need not be JSON.
JsonExtent json_extent(std::string_view text);

}  // namespace runnel
