// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"

namespace runnel {
namespace {

using test::elements;
using test::text_bytes;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<Array> read(const std::string& text, const std::vector<std::string>& names = {},
                        ElementType type = ElementType::float32) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder.path() / "some.csv", text_bytes(text));
  return read_csv(folder.path() / "some.csv", names, type);
}

std::string refusal(const std::string& text, const std::vector<std::string>& names = {}) {
  return test::refusal(text_bytes(text), [&](const auto& path) { read_csv(path, names); });
}

void expect_two_rows(const std::string& text) {
  const auto arrays = read(text);
  ASSERT_EQ(arrays.size(), 2U) << text;
  EXPECT_EQ(arrays[0].name, "x") << text;
  EXPECT_EQ(arrays[1].name, "y") << text;
  EXPECT_EQ(arrays[0].type, ElementType::float32);
  EXPECT_THAT(arrays[0].shape, ElementsAre(2)) << text;
  EXPECT_THAT(elements<float>(arrays[0]), ElementsAre(1.5F, -3)) << text;
  EXPECT_THAT(elements<float>(arrays[1]), ElementsAre(2, 4e-3F)) << text;
}

TEST(Csv, ReadsWhatProgramsWrite) {
  expect_two_rows("x,y\n1.5,2\n-3,4e-3\n");
  expect_two_rows("x,y\n1.5,2\n-3,4e-3");
  expect_two_rows("x,y\r\n1.5,2\r\n-3,4e-3\r\n");
  expect_two_rows("x,y\r\n1.5,2\r\n-3,4e-3\r");
  expect_two_rows("\xEF\xBB\xBFx;y\n1.5;2\n-3;4e-3\n\n\r\n");
  expect_two_rows("x\ty\n1.5\t2\n-3\t.004\n");
  expect_two_rows("\"x\",\"y\"\n\"1.5\",\"+2\"\n\"-3\",\" 4E-3 \"\n");
  expect_two_rows(" x , y\t\n 1.5 ,\t2\n-3., 0.004 \n");
}

TEST(Csv, ReadsColumnsByName) {
  const std::string text = "id,\"a, \"\"b\"\"\",comment\n7,0.1,\"one, \"\"two\n three\"\"\"\n8,1e-3,\n";
  const auto arrays = read(text, {"a, \"b\"", "id"}, ElementType::float64);
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[0].type, ElementType::float64);
  EXPECT_EQ(arrays[0].name, "a, \"b\"");
  EXPECT_THAT(elements<double>(arrays[0]), ElementsAre(0.1, 1e-3));
  EXPECT_THAT(elements<double>(arrays[1]), ElementsAre(7, 8));
  EXPECT_EQ(refusal(text), R"(line 2: column "comment": expected a finite number, found ""one, ""two\x0a three"""")");
}

TEST(Csv, NumbersAreRoundedOnce) {
  // Rounding to double first gives another float.
  EXPECT_THAT(elements<float>(read("x\n1.00000017881393432617187499\n").front()), ElementsAre(1.00000011920928955F));
  EXPECT_THAT(elements<float>(read("x\n1e-50\n-1e-45\n3.4028235e38\n").front()),
              ElementsAre(0, -std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()));
  EXPECT_THAT(elements<double>(read("x\n1e-400\n5e-324\n", {}, ElementType::float64).front()),
              ElementsAre(0, std::numeric_limits<double>::denorm_min()));
}

TEST(Csv, RefusesCellsThatAreNoNumbers) {
  const auto cell = [](const std::string& text) { return refusal("x;y\n1;2\n3;" + text + "\n4;5\n"); };
  EXPECT_EQ(cell("abc"), "line 3: column \"y\": expected a finite number, found \"abc\"");
  EXPECT_EQ(cell(""),
            "line 3: column \"y\": expected a finite number, found an empty cell; fill it, or remove the line");
  EXPECT_THAT(cell("  "), HasSubstr("found an empty cell"));
  EXPECT_EQ(cell("1,5"), "line 3: column \"y\": expected a finite number, found \"1,5\"; write decimals with a point");
  for (const char* text : {"nan", "inf", "-Infinity", "1e39", "1.5x", "0x10", "1 2", "--1", "+-1", "++1", "+", "-",
                           "1e", "\"1", "\"\"", "1\"", "\xff", "1\r2"}) {
    EXPECT_THAT(cell(text), HasSubstr("expected a ")) << text;
  }
}

TEST(Csv, RefusesRowsOfOtherLengths) {
  EXPECT_EQ(refusal("x,y\n1,2\n3\n"), "line 3: expected 2 cells, as the header has, found 1");
  EXPECT_EQ(refusal("x,y\n1,2,3\n"), "line 2: expected 2 cells, as the header has, found more");
  EXPECT_EQ(refusal("x,y\n1,2,\n"), "line 2: expected 2 cells, as the header has, found more");
  EXPECT_THAT(refusal("x,y\n1,2\n\n3,4\n"), StartsWith("line 3: "));
  EXPECT_THAT(refusal("x\n1\n\n3\n"),
              StartsWith("line 3: column \"x\": expected a finite number, found an empty cell"));
  EXPECT_EQ(refusal("\"x\n\",y\n1,\n", {"x\n"}), "");
  EXPECT_EQ(refusal("\"x\n\",y\n1\n", {"x\n"}), "line 3: expected 2 cells, as the header has, found 1");
  EXPECT_THAT(refusal("x,y\n1,\"2\n", {"x"}), HasSubstr("line 2: expected a closing quote"));
}

TEST(Csv, RefusesOtherHeaders) {
  EXPECT_EQ(refusal("5.1,3.5\n4.9,3\n"),
            "line 1: expected names of columns, found numbers; put a line with names before them");
  EXPECT_THAT(refusal("5,0,0\n1,0,0\n"), HasSubstr("found numbers"));
  EXPECT_EQ(refusal("0,1\n5,6\n"), "");
  EXPECT_EQ(refusal(",0,1\n0,5,6\n", {"1"}), "");
  EXPECT_THAT(refusal(""), HasSubstr("found an empty line"));
  EXPECT_THAT(refusal("\nx\n1\n"), HasSubstr("found an empty line"));
  EXPECT_THAT(refusal("\xFF\xFEx\0\n"), HasSubstr("found UTF-16; save the file as UTF-8"));
  EXPECT_THAT(refusal("gr\xfc\xdf,y\n1,2\n"), HasSubstr("save the file as UTF-8"));
  EXPECT_THAT(refusal("\"x,y\n1,2\n"), HasSubstr("expected a closing quote"));
  EXPECT_THAT(refusal("\"x\"z,y\n1,2\n"), HasSubstr("after its closing quote"));
  EXPECT_THAT(refusal("<!DOCTYPE html>\n"), HasSubstr("found a web page"));
  EXPECT_EQ(refusal("x,y\n1,2\n", {"z"}), "line 1: expected one column \"z\", found none among x, y");
  EXPECT_EQ(refusal("x,x\n1,2\n", {"x"}), "line 1: expected one column \"x\", found several among x, x");
  EXPECT_THAT(refusal("x" + std::string(1'000'000, ',') + "\n"), EndsWith("at most a million columns, found more"));
}

TEST(Csv, AHeaderAloneIsEmptyColumns) {
  EXPECT_THAT(read("x,y").front().shape, ElementsAre(0));
  EXPECT_THAT(read("x,y\n\n").back().shape, ElementsAre(0));
}

TEST(Csv, RandomChangesAreReadOrRefused) {
  test::expect_robust({text_bytes("x,y\n1.5,2\n-3,4e-3\n"), text_bytes("\"a;b\";\"c\"\"\"\r\n1;\"2\"\r\n +3;4"),
                       text_bytes("x\n12345678901234567890.5\n1e-50\n")},
                      [](const auto& path) { return read_csv(path); });
}

}  // namespace
}  // namespace runnel
