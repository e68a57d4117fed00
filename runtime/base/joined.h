// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace runnel {

/// The texts that `text_of` gives for `items`, separated by `between`: "a, b, c".
template <class Items, class TextOf = std::identity>
std::string joined(const Items& items, std::string_view between, const TextOf& text_of = {}) {
  std::string text;
  std::string_view gap;
  for (const auto& item : items) {
    text.append(gap).append(text_of(item));
    gap = between;
  }
  return text;
}

}  // namespace runnel
