// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/permutation.h"

#include <cstddef>
#include <utility>

#include "runtime/base/random.h"

namespace runnel {

// Fisher and Yates.
void shuffle(std::span<std::uint32_t> numbers, std::uint64_t seed) {
  SplitMix64 random(seed);
  for (std::size_t left = numbers.size(); left > 1; --left) {
    std::swap(numbers[left - 1], numbers[random.below(static_cast<std::uint32_t>(left))]);
  }
}

}  // namespace runnel
