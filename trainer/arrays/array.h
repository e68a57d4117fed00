// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/element_type.h"

namespace runnel {

/// An array of numbers from a file. Copies share the bytes. Any thread.
struct Array {
  std::string name = {};
  ElementType type = ElementType::float32;
  std::vector<std::int64_t> shape = {};  ///< none negative; empty for a single number

  /// The elements, little-endian, the last dimension's next to each other. Exactly as many as the shape has, whose
  /// product with 8 fits into 63 bits even without the dimensions of size 0. They may lie at any address: use memcpy.
  std::span<const std::byte> bytes = {};

  std::shared_ptr<const void> owner = {};  ///< keeps `bytes`: a mapped file, or memory
};

/// What the elements of `shape` take in a file, in bytes. Nothing when a size is negative, or when the product of the
/// other sizes than 0, with 8 bytes an element, is 2^63 or more.
std::optional<std::uint64_t> bytes_in_shape(ElementType type, std::span<const std::int64_t> shape);

/// "[60000, 28, 28]".
std::string shape_text(std::span<const std::int64_t> shape);

/// An array that owns `elements`, which fill the shape.
template <class Element>
Array owning_array(std::string name, ElementType type, std::vector<std::int64_t> shape, std::vector<Element> elements) {
  const auto owner = std::make_shared<const std::vector<Element>>(std::move(elements));
  return {std::move(name), type, std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

}  // namespace runnel
