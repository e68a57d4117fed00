// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "runtime/base/element_type.h"

/// Elements of files as numbers of LibTorch. Any thread.
namespace runnel {

/// An element of type bool: a byte that is 0 or not.
struct Truth {
  std::uint8_t byte;

  template <class Number>
  explicit operator Number() const {
    return static_cast<Number>(byte != 0 ? 1 : 0);
  }
};

/// Calls `work` with a zero of the type that elements of `type` have in memory.
template <class Work>
auto with_element(ElementType type, const Work& work) {
  switch (type) {
    case ElementType::boolean:
      return work(Truth{});
    case ElementType::uint8:
      return work(std::uint8_t{});
    case ElementType::int8:
      return work(std::int8_t{});
    case ElementType::uint16:
      return work(std::uint16_t{});
    case ElementType::int16:
      return work(std::int16_t{});
    case ElementType::uint32:
      return work(std::uint32_t{});
    case ElementType::int32:
      return work(std::int32_t{});
    case ElementType::int64:
      return work(std::int64_t{});
    case ElementType::float16:
      return work(c10::Half{});
    case ElementType::bfloat16:
      return work(c10::BFloat16{});
    case ElementType::float64:
      return work(double{});
    case ElementType::float32:
      break;
  }
  return work(float{});
}

/// An element at any address.
template <class From>
From element(const std::byte* from, std::size_t index) {
  From value;
  std::memcpy(&value, from + index * sizeof(From), sizeof(From));
  return value;
}

/// Writes `count` elements at `from`, which may be any address, as `To`.
template <class From, class To>
void convert(const std::byte* from, std::size_t count, To* to) {
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(to, from, count * sizeof(To));
  } else {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<To>(element<From>(from, i));
  }
}

}  // namespace runnel
