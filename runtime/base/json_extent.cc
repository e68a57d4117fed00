// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/json_extent.h"

#include <algorithm>

namespace runnel {

JsonExtent json_extent(std::string_view text) {
  JsonExtent extent{.values = 1};
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string) {
      i += c == '\\' ? 1 : 0;  // what it escapes
    } else if (c == '{' || c == '[') {
      ++extent.values;
      extent.depth = std::max(extent.depth, ++depth);
    } else if (c == '}' || c == ']') {
      depth -= depth > 0 ? 1 : 0;
    } else if (c == ',' || c == ':') {
      ++extent.values;
    }
  }
  return extent;
}

}  // namespace runnel
