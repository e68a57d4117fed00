// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>

namespace runnel {

/// Consecutive samples [first, first + count) of a split.
struct SampleRange {
  std::size_t first = 0;
  std::size_t count = 0;

  bool operator==(const SampleRange&) const = default;
};

/// Share `part` of `samples` divided into `parts` in file order: contiguous, no sample is dropped, and the first
/// `samples % parts` shares are one sample longer than the others. Needs `part < parts`.
constexpr SampleRange contiguous_share(std::size_t samples, std::size_t part, std::size_t parts) {
  const std::size_t shortest = samples / parts;
  const std::size_t longer_shares = samples % parts;
  return {part * shortest + std::min(part, longer_shares), shortest + (part < longer_shares ? 1 : 0)};
}

}  // namespace runnel
