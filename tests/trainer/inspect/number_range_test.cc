// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/inspect/number_range.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace runnel {
namespace {

template <class Number>
NumberRange range_of(ElementType type, const std::vector<Number>& numbers) {
  return measure(owning_array("x", type, {static_cast<std::int64_t>(numbers.size())}, numbers));
}

TEST(NumberRange, HasLeastGreatestAndMeanOfFiniteNumbers) {
  const NumberRange range = range_of<float>(ElementType::float32, {3, NAN, -1, INFINITY, 4, -INFINITY});
  EXPECT_EQ(range.min, -1);
  EXPECT_EQ(range.max, 4);
  EXPECT_EQ(range.mean, 2);
  EXPECT_TRUE(range.whole);
  EXPECT_EQ(range.nan, 1U);
  EXPECT_EQ(range.infinite, 2U);
  EXPECT_EQ(range.finite, 3U);
  EXPECT_EQ(range.read, 6U);
  EXPECT_FALSE(range_of<float>(ElementType::float32, {1, 2.5}).whole);
}

TEST(NumberRange, OfNothingAndOfNoFiniteNumberIsZero) {
  EXPECT_EQ(range_of<double>(ElementType::float64, {}).max, 0);
  const NumberRange range = range_of<double>(ElementType::float64, {NAN});
  EXPECT_EQ(range.min, 0);
  EXPECT_EQ(range.nan, 1U);
}

TEST(NumberRange, KnowsEveryType) {
  EXPECT_EQ(range_of<std::uint8_t>(ElementType::boolean, {0, 1}).mean, 0.5);
  EXPECT_EQ(range_of<std::uint8_t>(ElementType::uint8, {200}).max, 200);
  EXPECT_EQ(range_of<std::int8_t>(ElementType::int8, {-100}).min, -100);
  EXPECT_EQ(range_of<std::uint16_t>(ElementType::uint16, {60000}).max, 60000);
  EXPECT_EQ(range_of<std::int16_t>(ElementType::int16, {-30000}).min, -30000);
  EXPECT_EQ(range_of<std::uint32_t>(ElementType::uint32, {4'000'000'000}).max, 4e9);
  EXPECT_EQ(range_of<std::int32_t>(ElementType::int32, {-2'000'000'000}).min, -2e9);
  EXPECT_EQ(range_of<std::int64_t>(ElementType::int64, {-(std::int64_t{1} << 53)}).min, -9007199254740992);
  EXPECT_EQ(range_of<double>(ElementType::float64, {1e300}).max, 1e300);
  EXPECT_EQ(range_of<std::uint16_t>(ElementType::bfloat16, {0x3FC0}).max, 1.5);
  const NumberRange halves = range_of<std::uint16_t>(ElementType::float16, {0x3E00, 0xC000, 0x0001, 0x7C00, 0x7E00});
  EXPECT_EQ(halves.max, 1.5);
  EXPECT_EQ(halves.min, -2);
  EXPECT_EQ(halves.finite, 3U);
  EXPECT_EQ(halves.infinite, 1U);
  EXPECT_EQ(halves.nan, 1U);
}

/// Elements of an array do not lie at multiples of their size.
TEST(NumberRange, ReadsElementsAtAnyAddress) {
  const std::vector<char> bytes = {0, 1, 2, 0, 3, 0};
  const Array array{"x", ElementType::uint16, {2}, std::as_bytes(std::span(bytes)).subspan(1, 4), nullptr};
  EXPECT_EQ(measure(array).max, 768);
}

TEST(NumberRange, ReadsALargeArrayFromEndToEndInPart) {
  constexpr std::size_t kElements = 300'000'000;
  std::vector<std::uint8_t> numbers(kElements);
  std::fill(numbers.begin() + kElements / 2, numbers.end(), std::uint8_t{100});
  const NumberRange range = range_of(ElementType::uint8, numbers);
  EXPECT_EQ(range.read, 1'000'000U);
  EXPECT_EQ(range.elements, kElements);
  EXPECT_EQ(range.max, 100);
  EXPECT_NEAR(range.mean, 50, 0.2);
}

TEST(NumberRange, GivesSingleElements) {
  const Array array = owning_array<std::int64_t>("x", ElementType::int64, {4}, {5, -6, 7, 8});
  EXPECT_EQ(numbers_of(array, 1, 2), (std::vector<double>{-6, 7}));
}

}  // namespace
}  // namespace runnel
