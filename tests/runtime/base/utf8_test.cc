// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/utf8.h"

#include <gtest/gtest.h>

namespace runnel {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, AcceptsEveryLength) {
  for (const auto text : {""sv, "plain"sv, "\0"sv, "é"sv, "€"sv, "𝄞"sv, "\xED\x9F\xBF"sv, "\xF4\x8F\xBF\xBF"sv}) {
    EXPECT_EQ(valid_utf8_bytes(text), text.size()) << text;
  }
}

TEST(Utf8, StopsAtTheFirstInvalidByte) {
  for (const auto bad : {"\x80"sv,              // a continuation without a lead
                         "\xC3"sv,              // cut off
                         "\xC3("sv,             // not continued
                         "\xC0\xAF"sv,          // overlong
                         "\xE0\x80\xAF"sv,      // overlong
                         "\xF0\x80\x80\xAF"sv,  // overlong
                         "\xED\xA0\x80"sv,      // surrogate
                         "\xF4\x90\x80\x80"sv,  // behind U+10FFFF
                         "\xFF"sv}) {
    EXPECT_EQ(valid_utf8_bytes(bad), 0U);
    EXPECT_EQ(valid_utf8_bytes("ok é" + std::string(bad)), 5U);
  }
}

TEST(Utf8, PrintableFitsOneLine) {
  EXPECT_EQ(printable("a\nb\x7F\tc\x1F"), "a\\x0ab\\x7f\\x09c\\x1f");
  EXPECT_EQ(printable("a\u009b31m\u00a0é"), "a\\xc2\\x9b31m\u00a0é") << "terminals obey U+009B as they do ESC [";
  EXPECT_EQ(printable("ééé", 4), "éé…");
  EXPECT_EQ(printable("ééé", 3), "é…");
  EXPECT_EQ(printable("ééé", 6), "ééé");
}

}  // namespace
}  // namespace runnel
