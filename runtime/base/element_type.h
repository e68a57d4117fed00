// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
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

inline constexpr std::array kElementTypes = {ElementType::boolean,  ElementType::uint8,   ElementType::int8,
                                             ElementType::uint16,   ElementType::int16,   ElementType::uint32,
                                             ElementType::int32,    ElementType::int64,   ElementType::float16,
                                             ElementType::bfloat16, ElementType::float32, ElementType::float64};

/// The name that PyTorch and NumPy have for it: "float32", "bool".
std::string_view name_of(ElementType type);

/// The name in a safetensors file: "F32", "BOOL".
std::string_view dtype_of(ElementType type);

std::size_t bytes_of(ElementType type);

}  // namespace runnel
