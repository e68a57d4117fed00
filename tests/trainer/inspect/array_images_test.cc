// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/array_images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace runnel {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(ArrayImages, KnowsTheLayoutsOfSmallImages) {
  const auto layout = [](const Shape& shape) {
    const auto found = image_layout(ElementType::uint8, shape);
    if (!found) return std::string("none");
    return std::to_string(found->height) + "x" + std::to_string(found->width) + "x" + std::to_string(found->channels) +
           (found->planes ? "" : " interleaved");
  };
  EXPECT_EQ(layout({5, 28, 20}), "28x20x1");
  EXPECT_EQ(layout({5, 1, 28, 20}), "28x20x1");
  EXPECT_EQ(layout({5, 3, 32, 64}), "32x64x3");
  EXPECT_EQ(layout({5, 32, 64, 3}), "32x64x3 interleaved");
  for (const Shape& shape : {Shape{}, Shape{5}, Shape{64, 64}, Shape{5, 7, 8}, Shape{5, 8, 65}, Shape{5, 4, 32, 32},
                             Shape{5, 32, 32, 4}, Shape{5, 1, 1, 28, 28}, Shape{5, 0, 8}}) {
    EXPECT_EQ(layout(shape), "none") << testing::PrintToString(shape);
  }
  EXPECT_FALSE(image_layout(ElementType::int64, Shape{5, 28, 28})) << "labels of pixels, or tokens";
}

TEST(ArrayImages, UsesTheWholeRampForFloatsOfAnyRange) {
  std::vector<double> numbers(64, -5);
  std::fill(numbers.begin() + 32, numbers.end(), 3);
  const ImageLayout layout{.height = 8, .width = 8};
  EXPECT_EQ(draw_image(numbers, layout, ElementType::float32, Drawing::ascii), "\n\n@@@@@@@@\n@@@@@@@@\n");
  numbers = std::vector<double>(64, NAN);
  EXPECT_EQ(draw_image(numbers, layout, ElementType::float32, Drawing::ascii), "\n\n\n\n");
}

TEST(ArrayImages, ReducesWideImagesToTheColumns) {
  const std::vector<double> numbers(64 * 63, 255);
  const std::string text = draw_image(numbers, {.height = 63, .width = 64}, ElementType::uint8, Drawing::ascii);
  std::string expected;
  for (int i = 0; i < 16; ++i) expected += std::string(32, '@') + "\n";
  EXPECT_EQ(text, expected);
}

TEST(ArrayImages, DrawsTwoPixelsACharacterInColours) {
  std::vector<double> numbers(3 * 64, 0);
  std::fill(numbers.begin(), numbers.begin() + 64, 255);  // red
  const std::string red =
      draw_image(numbers, {.height = 8, .width = 8, .channels = 3}, ElementType::uint8, Drawing::half_blocks);
  EXPECT_THAT(red, testing::StartsWith("\x1b[38;5;196;48;5;196m▀"));
  EXPECT_THAT(red, testing::EndsWith("m▀\x1b[0m\n"));
  EXPECT_EQ(std::count(red.begin(), red.end(), '\n'), 4);
  const std::string grey = draw_image(numbers, {.height = 8, .width = 8}, ElementType::uint8, Drawing::half_blocks);
  EXPECT_THAT(grey, testing::StartsWith("\x1b[38;5;255;48;5;255m▀"));
}

}  // namespace
}  // namespace runnel
