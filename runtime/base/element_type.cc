// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/element_type.h"

#include <array>

namespace runnel {
namespace {

struct Entry {
  std::string_view name;
  std::size_t bytes;
};

// In the order of the enumeration.
constexpr std::array kEntries = {
    Entry{"bool", 1},    Entry{"uint8", 1},    Entry{"int8", 1},    Entry{"uint16", 2},
    Entry{"int16", 2},   Entry{"uint32", 4},   Entry{"int32", 4},   Entry{"int64", 8},
    Entry{"float16", 2}, Entry{"bfloat16", 2}, Entry{"float32", 4}, Entry{"float64", 8},
};
static_assert(kEntries.size() == static_cast<std::size_t>(ElementType::float64) + 1);

}  // namespace

std::string_view name_of(ElementType type) {
  return kEntries.at(static_cast<std::size_t>(type)).name;
}

std::size_t bytes_of(ElementType type) {
  return kEntries.at(static_cast<std::size_t>(type)).bytes;
}

}  // namespace runnel
