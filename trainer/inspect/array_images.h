// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/element_type.h"

namespace runnel {

/// Where the pixels of an image are among its numbers.
struct ImageLayout {
  std::size_t height = 0;
  std::size_t width = 0;
  std::size_t channels = 1;  ///< 1 or 3
  bool planes = true;        ///< [channels, height, width]; else [height, width, channels]
};

/// The layout of the samples of an array [n, …] if they are small images: uint8 or floating numbers of [h, w],
/// [1, h, w], [3, h, w] or [h, w, 3], with sides from 8 to 64.
std::optional<ImageLayout> image_layout(ElementType type, std::span<const std::int64_t> shape);

enum class Drawing {
  ascii,       ///< a ramp of characters
  half_blocks  ///< two pixels a character, in the 256 colours of a terminal that takes UTF-8
};

/// An image in lines of at most 32 columns, each pixel the mean of a square of `numbers`. uint8 is drawn from 0 to 255,
/// floating numbers from the least to the greatest in the image; what is not finite is black.
std::string draw_image(std::span<const double> numbers, const ImageLayout& layout, ElementType type, Drawing drawing);

}  // namespace runnel
