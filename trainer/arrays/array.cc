// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/array.h"

#include <algorithm>
#include <bit>

namespace runnel {

static_assert(std::endian::native == std::endian::little, "files are little-endian, and so are the arrays in memory");

std::optional<std::uint64_t> bytes_in_shape(ElementType type, std::span<const std::int64_t> shape) {
  constexpr std::int64_t kLargestElement = 8;
  std::int64_t count = 1, bytes = 0;
  bool empty = false;
  for (const std::int64_t size : shape) {
    empty |= size == 0;
    if (size < 0 || __builtin_mul_overflow(count, std::max<std::int64_t>(size, 1), &count)) return std::nullopt;
  }
  if (__builtin_mul_overflow(count, kLargestElement, &bytes)) return std::nullopt;
  return empty ? 0 : static_cast<std::uint64_t>(count) * bytes_of(type);
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (const std::int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace runnel
