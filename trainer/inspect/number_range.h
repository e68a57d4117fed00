// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trainer/arrays/array.h"

namespace runnel {

/// What the numbers of an array are like.
struct NumberRange {
  double min = 0;  ///< of the finite numbers, as `max` and `mean`; 0 without any
  double max = 0;
  double mean = 0;
  bool whole = true;  ///< whether no finite number has a fraction
  std::uint64_t finite = 0;
  std::uint64_t nan = 0;
  std::uint64_t infinite = 0;
  std::uint64_t read = 0;      ///< elements that were looked at
  std::uint64_t elements = 0;  ///< of the array
};

/// Looks at all elements of an array of up to 256 MB. Of a larger one it reads 1000 runs of 1000 elements, evenly
/// spread from the first element to the last: memory and time do not grow with the file.
NumberRange measure(const Array& array);

/// `count` elements of `array` from `first` on, all of which it has. Integers beyond 2^53 are rounded.
std::vector<double> numbers_of(const Array& array, std::uint64_t first, std::size_t count);

}  // namespace runnel
