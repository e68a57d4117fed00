// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace runnel {

/// Types of an array's elements, in files and in memory.
enum class ElementType : std::uint8_t {
  boolean,
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  int64,
  float16,
  bfloat16,
  float32,
  float64,
};

/// The name that PyTorch and NumPy have for it: "float32", "bool".
std::string_view name_of(ElementType type);

std::size_t bytes_of(ElementType type);

}  // namespace runnel
