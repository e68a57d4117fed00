// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace runnel::test {

/// Byte `index` of the pattern with `seed`; the bytes of two seeds differ nearly everywhere.
constexpr std::byte pattern_byte(std::uint64_t seed, std::size_t index) {
  std::uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15 + index * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 31)) * 0x94d049bb133111eb;
  return static_cast<std::byte>(x >> 56);
}

inline void fill_pattern(std::span<std::byte> bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern_byte(seed, i);
}

/// The index of the first byte that is not the pattern's; nothing when all are.
inline std::optional<std::size_t> first_difference(std::span<const std::byte> bytes, std::uint64_t seed) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != pattern_byte(seed, i)) return i;
  }
  return std::nullopt;
}

}  // namespace runnel::test
