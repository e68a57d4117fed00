// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/element_type.h"

#include <array>

namespace runnel {
namespace {

struct Entry {
  std::string_view name;
  std::string_view dtype;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array kEntries = {
    Entry{"bool", "BOOL", 1},   Entry{"uint8", "U8", 1},      Entry{"int8", "I8", 1},     Entry{"uint16", "U16", 2},
    Entry{"int16", "I16", 2},   Entry{"uint32", "U32", 4},    Entry{"int32", "I32", 4},   Entry{"int64", "I64", 8},
    Entry{"float16", "F16", 2}, Entry{"bfloat16", "BF16", 2}, Entry{"float32", "F32", 4}, Entry{"float64", "F64", 8},
};
static_assert(kEntries.size() == kElementTypes.size());

}  // namespace

std::string_view name_of(ElementType type) {
  return kEntries.at(static_cast<std::size_t>(type)).name;
}

std::string_view dtype_of(ElementType type) {
  return kEntries.at(static_cast<std::size_t>(type)).dtype;
}

std::size_t bytes_of(ElementType type) {
  return kEntries.at(static_cast<std::size_t>(type)).bytes;
}

}  // namespace runnel
