// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/array_images.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace runnel {
namespace {

constexpr std::size_t kLeastSide = 8, kMostSide = 64, kMostColumns = 32;

/// An image whose numbers are from 0 to 1, reduced to the columns that there are.
class Canvas {
 public:
  Canvas(std::span<const double> numbers, const ImageLayout& layout, ElementType type)
      : numbers_(numbers), layout_(layout), step_((layout.width + kMostColumns - 1) / kMostColumns) {
    if (type == ElementType::uint8) return;
    high_ = -std::numeric_limits<double>::infinity();
    low_ = -high_;
    for (const double number : numbers) {
      if (!std::isfinite(number)) continue;
      low_ = std::min(low_, number);
      high_ = std::max(high_, number);
    }
  }

  std::size_t rows() const { return (layout_.height + step_ - 1) / step_; }
  std::size_t columns() const { return (layout_.width + step_ - 1) / step_; }
  bool has_colour() const { return layout_.channels == 3; }

  /// The mean of a square in the image. Rows below the image repeat its last one.
  double channel(std::size_t row, std::size_t column, std::size_t channel) const {
    row = std::min(row, rows() - 1);
    double sum = 0;
    int count = 0;
    for (std::size_t y = row * step_; y < std::min((row + 1) * step_, layout_.height); ++y) {
      for (std::size_t x = column * step_; x < std::min((column + 1) * step_, layout_.width); ++x) {
        sum += scaled(numbers_[place(y, x, channel)]);
        ++count;
      }
    }
    return sum / count;
  }

  double brightness(std::size_t row, std::size_t column) const {
    double sum = 0;
    for (std::size_t i = 0; i < layout_.channels; ++i) sum += channel(row, column, i);
    return sum / static_cast<double>(layout_.channels);
  }

 private:
  std::size_t place(std::size_t y, std::size_t x, std::size_t channel) const {
    return layout_.planes ? (channel * layout_.height + y) * layout_.width + x
                          : (y * layout_.width + x) * layout_.channels + channel;
  }

  double scaled(double number) const {
    return std::isfinite(number) && high_ > low_ ? number / (high_ - low_) - low_ / (high_ - low_) : 0;
  }

  std::span<const double> numbers_;
  ImageLayout layout_;
  std::size_t step_;
  double low_ = 0;
  double high_ = 255;
};

/// `part` of 1 as one of the numbers from 0 to `most`.
int level(double part, int most) {
  return std::clamp(static_cast<int>(std::lround(part * most)), 0, most);
}

/// The colour of a pixel among the 256 of a terminal: 24 greys from 232 on, or the cube of 6 x 6 x 6 from 16 on.
std::string colour(const Canvas& canvas, std::size_t row, std::size_t column) {
  if (!canvas.has_colour()) return std::to_string(232 + level(canvas.brightness(row, column), 23));
  int number = 0;
  for (std::size_t i = 0; i < 3; ++i) number = number * 6 + level(canvas.channel(row, column, i), 5);
  return std::to_string(16 + number);
}

std::string ascii(const Canvas& canvas, std::size_t row, std::size_t column) {
  constexpr std::string_view kRamp = " .:-=+*#%@";
  const double mean = (canvas.brightness(row, column) + canvas.brightness(row + 1, column)) / 2;
  return {kRamp[static_cast<std::size_t>(level(mean, static_cast<int>(kRamp.size()) - 1))]};
}

std::string half_block(const Canvas& canvas, std::size_t row, std::size_t column) {
  return "\x1b[38;5;" + colour(canvas, row, column) + ";48;5;" + colour(canvas, row + 1, column) + "m▀";
}

}  // namespace

std::optional<ImageLayout> image_layout(ElementType type, std::span<const std::int64_t> shape) {
  const bool is_floating = type >= ElementType::float16;
  if ((type != ElementType::uint8 && !is_floating) || (shape.size() != 3 && shape.size() != 4)) return std::nullopt;
  const auto size = [&](std::size_t i) { return static_cast<std::size_t>(shape[i]); };
  const auto is_side = [](std::size_t side) { return side >= kLeastSide && side <= kMostSide; };
  ImageLayout layout{.height = size(1), .width = size(2)};
  if (shape.size() == 4) {
    layout.planes = size(1) == 1 || size(1) == 3;
    layout.channels = layout.planes ? size(1) : size(3);
    layout.height = size(layout.planes ? 2 : 1);
    layout.width = size(layout.planes ? 3 : 2);
  }
  const bool fits = is_side(layout.height) && is_side(layout.width) && (layout.planes || layout.channels == 3);
  return fits ? std::optional(layout) : std::nullopt;
}

std::string draw_image(std::span<const double> numbers, const ImageLayout& layout, ElementType type, Drawing drawing) {
  const Canvas canvas(numbers, layout, type);
  std::string text;
  for (std::size_t row = 0; row < canvas.rows(); row += 2) {
    std::string line;
    for (std::size_t column = 0; column < canvas.columns(); ++column) {
      line += drawing == Drawing::ascii ? ascii(canvas, row, column) : half_block(canvas, row, column);
    }
    if (drawing == Drawing::ascii) line.erase(line.find_last_not_of(' ') + 1);
    text += line + (drawing == Drawing::ascii ? "\n" : "\x1b[0m\n");
  }
  return text;
}

}  // namespace runnel
