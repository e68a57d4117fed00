// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/edit_distance.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace runnel {
namespace {

// Longer text is no slip of the fingers, and the distance takes the product of the lengths.
constexpr std::size_t kMaxBytes = 64;

// The least number of insertions, deletions and replacements of bytes: Wagner & Fischer, "The string-to-string
// correction problem", J. ACM 21 (1974).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.size() > kMaxBytes) return "";
  std::size_t least = text.size() / 3 + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest.empty() ? "" : ", did you mean '" + std::string(nearest) + "'?";
}

}  // namespace runnel
