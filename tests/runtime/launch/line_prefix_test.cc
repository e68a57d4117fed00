// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/line_prefix.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace runnel::test {
namespace {

TEST(LinePrefixTest, StandsBeforeEachLineOnceItIsComplete) {
  LinePrefix lines("[a] ");
  EXPECT_EQ(lines.pass("one"), "");
  EXPECT_EQ(lines.pass(" line\nand\n\nthe"), "[a] one line\n[a] and\n[a] \n");
  EXPECT_EQ(lines.finish(), "[a] the\n");
  EXPECT_EQ(lines.finish(), "");
}

TEST(LinePrefixTest, TakesAProgressBarsCarriageReturnsAsEnds) {
  LinePrefix lines("[a] ");
  EXPECT_EQ(lines.pass("\r 10%"), "");
  EXPECT_EQ(lines.pass("\r 20%\r"), "[a]  10%\r");
  EXPECT_EQ(lines.pass("\n 30%\n"), "[a]  20%\r\n[a]  30%\n");
}

TEST(LinePrefixTest, LosesNothingHoweverTheStreamIsCut) {
  const auto seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::string text, expected;
  for (int line = 0; line < 1000; ++line) {
    const std::string one(random() % 100, static_cast<char>('a' + line % 26));
    text += one + "\n";
    expected += "[a] " + one + "\n";
  }
  LinePrefix lines("[a] ");
  std::string passed;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = 1 + random() % 200;
    passed += lines.pass(std::string_view(text).substr(at, bytes));
    at += bytes;
  }
  EXPECT_EQ(passed + lines.finish(), expected);
}

TEST(LinePrefixTest, DoesNotHoldALineWithoutAnEndForEver) {
  LinePrefix lines("[a] ");
  const std::string half(LinePrefix::kLongestLine / 2, 'x');
  EXPECT_EQ(lines.pass(half), "");
  EXPECT_EQ(lines.pass(half), "[a] " + half + half + "\n");
}

}  // namespace
}  // namespace runnel::test
