// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/nearest_word.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace runnel {
namespace {

// Longer text is not a typing error, and the distance takes time in proportion to the product of the lengths.
constexpr std::size_t kMaxBytes = 64;

// Optimal string alignment: Damerau, "A technique for computer detection and correction of spelling errors", CACM 7
// (1964), by the dynamic programme of Wagner & Fischer, J. ACM 21 (1974).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, last);
    std::swap(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1), last[j] + 1, row[j - 1] + 1});
      const bool transposed = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (transposed) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.size() > kMaxBytes) return {};
  std::size_t least = (text.size() + 1) / 3 + 1;
  std::string_view nearest;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  if (!nearest.empty() || text.empty()) return nearest;
  const auto longer =
      std::ranges::find_if(candidates, [&](const auto& candidate) { return candidate.starts_with(text); });
  return longer == candidates.end() ? nearest : *longer;
}

}  // namespace runnel
