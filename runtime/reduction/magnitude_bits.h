// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>

namespace runnel {

/// The bits of |value|, whose order is that of the magnitudes: infinity is `kInfinityBits`, and NaN is above it. The
/// maximum over a loop shows whether all values are finite. Unlike a maximum of floats it is vectorised, and it is
/// cheaper than a second loop over the values in the cache.
inline std::int32_t magnitude_bits(float value) {
  return std::bit_cast<std::int32_t>(value) & 0x7fffffff;
}

inline constexpr std::int32_t kInfinityBits = 0x7f800000;

}  // namespace runnel
