// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/scalar_type.h"

#include <algorithm>

namespace runnel {

c10::ScalarType scalar_type_of(ElementType type) {
  switch (type) {
    case ElementType::uint8:
      return c10::kByte;
    case ElementType::int8:
      return c10::kChar;
    case ElementType::uint16:
      return c10::kUInt16;
    case ElementType::int16:
      return c10::kShort;
    case ElementType::uint32:
      return c10::kUInt32;
    case ElementType::int32:
      return c10::kInt;
    case ElementType::int64:
      return c10::kLong;
    case ElementType::float16:
      return c10::kHalf;
    case ElementType::float64:
      return c10::kDouble;
    case ElementType::boolean:
      return c10::kBool;
    case ElementType::bfloat16:
      return c10::kBFloat16;
    case ElementType::float32:
      break;
  }
  return c10::kFloat;
}

std::optional<ElementType> element_type_of(c10::ScalarType type) {
  const auto* found = std::ranges::find(kElementTypes, type, scalar_type_of);
  return found == kElementTypes.end() ? std::nullopt : std::optional(*found);
}

}  // namespace runnel
