// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "runtime/base/run_error.h"
#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"

namespace runnel {
namespace {

using test::Bytes;
using test::elements;
using test::npy_bytes;
using test::npy_dictionary;
using test::number_bytes;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::filesystem::path kFixtures = RUNNEL_FIXTURE_FOLDER;
const Bytes kPair = number_bytes<float>({1.5F, -2});

std::string refusal(const Bytes& bytes) {
  return test::refusal(bytes, [](const auto& path) { read_npy(path); });
}

std::string refusal(const std::string& descr, const std::string& shape = "(2,)") {
  return refusal(npy_bytes(npy_dictionary(descr, shape), kPair));
}

template <class Number>
void expect_fixture(ElementType type, const std::vector<Number>& numbers) {
  const std::string name(name_of(type));
  const Array array = read_npy(kFixtures / (name + ".npy"));
  EXPECT_EQ(array.name, name);
  EXPECT_EQ(array.type, type);
  EXPECT_THAT(array.shape, ElementsAre(2, 3));
  EXPECT_EQ(elements<Number>(array), numbers) << name;
}

TEST(Npy, ReadsEachTypeOfNumPy) {
  expect_fixture<std::uint8_t>(ElementType::boolean, {0, 1, 0, 1, 0, 1});
  expect_fixture<std::uint8_t>(ElementType::uint8, {0, 1, 2, 3, 4, 5});
  expect_fixture<std::int8_t>(ElementType::int8, {-2, -1, 0, 1, 2, 3});
  expect_fixture<std::uint16_t>(ElementType::uint16, {0, 1, 2, 3, 4, 5});
  expect_fixture<std::int16_t>(ElementType::int16, {-2, -1, 0, 1, 2, 3});
  expect_fixture<std::uint32_t>(ElementType::uint32, {0, 1, 2, 3, 4, 5});
  expect_fixture<std::int32_t>(ElementType::int32, {-2, -1, 0, 1, 2, 3});
  expect_fixture<std::int64_t>(ElementType::int64, {-2, -1, 0, 1, 2, 3});
  expect_fixture<std::uint16_t>(ElementType::float16, {0xc100, 0xbe00, 0xb800, 0x3800, 0x3e00, 0x4100});
  expect_fixture<float>(ElementType::float32, {-2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F});
  expect_fixture<double>(ElementType::float64, {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5});
}

TEST(Npy, ReadsEachVersionOfNumPy) {
  for (const char* name : {"version_1.npy", "version_2.npy", "version_3.npy"}) {
    EXPECT_THAT(elements<std::int16_t>(read_npy(kFixtures / name)), ElementsAre(-2, -1, 0, 1, 2, 3)) << name;
  }
}

TEST(Npy, ReadsANumberAndAnEmptyArray) {
  const Array number = read_npy(kFixtures / "number.npy");
  EXPECT_TRUE(number.shape.empty());
  EXPECT_THAT(elements<float>(number), ElementsAre(1.5F));
  const Array none = read_npy(kFixtures / "none.npy");
  EXPECT_THAT(none.shape, ElementsAre(0, 3));
  EXPECT_TRUE(none.bytes.empty());
}

TEST(Npy, TheMappingLivesAsLongAsTheArray) {
  Array copy;
  {
    const Array array = read_npy(kFixtures / "float32.npy");
    copy = array;
  }
  EXPECT_EQ(elements<float>(copy).back(), 2.5F);
}

TEST(Npy, ReadsHeadersOfOtherWriters) {
  for (const char* header : {"{\"shape\":(2L,),\"descr\":\"<f4\",\"fortran_order\":True}",
                             "  { 'descr' : '<f4' , 'fortran_order' : False , 'shape' : ( 2 , ) }  ",
                             "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2, 1)}"}) {
    EXPECT_EQ(refusal(npy_bytes(header, kPair)), "") << header;
  }
  for (const char* descr : {"'|u1'", "'<u1'", "'>b1'"}) EXPECT_EQ(refusal(descr, "(8,)"), "") << descr;
}

TEST(Npy, RefusesWhatNumPySavesOtherwiseWithARemedy) {
  const auto refused = [](const char* name) {
    return test::refusal(test::read_bytes(kFixtures / (std::string("refused_") + name + ".npy")),
                         [](const auto& path) { read_npy(path); });
  };
  EXPECT_EQ(refused("fortran"),
            "byte 10: expected elements in C order, found fortran_order: True with shape [2, 3]; save "
            "numpy.ascontiguousarray(array)");
  EXPECT_EQ(refused("big_endian"),
            "byte 20: expected a type such as '<f4', found '>f4': big-endian elements; save array.astype('<f4')");
  EXPECT_THAT(refused("objects"), HasSubstr("found '|O': pickled objects, which only allow_pickle=True would load"));
  EXPECT_THAT(refused("structured"), EndsWith("found a structured type; save each field as an array of its own"));
  EXPECT_THAT(refused("complex"), HasSubstr("found '<c8': supported are bool,"));
  EXPECT_THAT(refused("texts"), HasSubstr("found '<U3': texts"));
  EXPECT_THAT(refused("uint64"), EndsWith("found '<u8': save array.astype('<i8')"));
  EXPECT_THAT(refused("times"), EndsWith("save array.astype('<f4')"));
}

TEST(Npy, RefusesWrongLengths) {
  EXPECT_EQ(refusal("'<f4'", "(3,)"), "byte 68: expected 12 bytes for float32 [3], found 8; is it complete?");
  EXPECT_EQ(refusal("'<f4'", "(1,)"), "byte 68: expected 4 bytes for float32 [1], found 8; save one array in a file");
  for (const char* shape : {"(1152921504606846976,)", "(4294967296, 4294967296)", "(9223372036854775807, 2)",
                            "(0, 4294967296, 4294967296)", "(9223372036854775807,)"}) {
    EXPECT_THAT(refusal("'<f4'", shape), HasSubstr("expected more than 2^60 bytes")) << shape;
  }
  EXPECT_THAT(refusal("'<f4'", "(1152921504606846975,)"), HasSubstr("expected 4611686018427387900 bytes"));
}

TEST(Npy, RefusesHeadersThatAreNone) {
  const auto header = [](const std::string& text) { return refusal(npy_bytes(text, kPair)); };
  const std::string rest = ", 'fortran_order': False, 'shape': (2,), }";
  EXPECT_EQ(header("[1]"), "byte 10: expected '{', found \"[1]\\x0a\"");
  EXPECT_EQ(header("{"), "byte 12: expected a text in quotes, found the end of the header");
  EXPECT_THAT(header("{'descr': '<f4'" + rest + " x"), HasSubstr("expected the end of the header, found \"x"));
  EXPECT_THAT(header("{'descr': '<f4', 'shape': (2,)}"), HasSubstr("expected the keys descr, fortran_order and shape"));
  EXPECT_THAT(header("{'descr': '<f4', 'descr': '<f4'" + rest), StartsWith("byte 27: expected the keys"));
  EXPECT_THAT(header("{'descr': '<f4', 'extra': 1" + rest), HasSubstr("each once, found another"));
  EXPECT_THAT(header("{'descr': '\\x3cf4'" + rest), HasSubstr("a text without escapes"));
  EXPECT_THAT(header("{'descr': ''" + rest), HasSubstr("expected a type such as '<f4', found ''"));
  EXPECT_THAT(header("{'descr': '\xff\xfe'" + rest), HasSubstr("expected a type such as '<f4', found ''"));
  EXPECT_THAT(header("{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}"), HasSubstr("expected True or False"));
  for (const char* shape : {"(-2,)", "(2.0,)", "(9223372036854775808,)", "2", "(2", "(,)", "[2]", "(2 3)", "(x,)"}) {
    EXPECT_THAT(refusal("'<f4'", shape), HasSubstr("expected ")) << shape;
  }
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1, ";
  EXPECT_THAT(refusal("'<f4'", many + ")"), HasSubstr("expected at most 64 sizes"));
}

TEST(Npy, RefusesOtherFiles) {
  EXPECT_EQ(refusal(Bytes{}), "byte 0: expected a NumPy array (.npy), found another kind of file");
  EXPECT_THAT(refusal(test::text_bytes("version https://git-lfs.github.com/spec/v1")), HasSubstr("git lfs pull"));
  Bytes version = test::read_bytes(kFixtures / "int8.npy");
  version[6] = 4;
  EXPECT_EQ(refusal(version), "byte 6: expected version 1.0, 2.0 or 3.0 of NumPy's format, found 4.0");
  EXPECT_THROW(read_npy("none.npy"), RunError);
}

TEST(Npy, RefusesFilesThatEndEarly) {
  EXPECT_EQ(refusal(Bytes{0x93, 'N', 'U', 'M', 'P', 'Y', 1}),
            "byte 7: expected a header of 8 bytes, found the end of the file; is it complete?");
  Bytes short_header = test::read_bytes(kFixtures / "version_2.npy");
  short_header.resize(20);
  EXPECT_THAT(refusal(short_header), StartsWith("byte 20: expected a header of 128 bytes, found the end of the file"));
  for (const char* name : {"version_1.npy", "version_2.npy", "version_3.npy"}) {
    const Bytes whole = test::read_bytes(kFixtures / name);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))), "") << length;
    }
  }
}

TEST(Npy, RandomChangesAreReadOrRefused) {
  const auto exact = [](const std::filesystem::path& path) {
    // In memory of its exact size, whose end the address sanitizer guards.
    const Bytes bytes = test::read_bytes(path);
    const auto copy = std::make_shared<std::vector<std::byte>>(bytes.size());
    std::ranges::transform(bytes, copy->begin(), [](std::uint8_t byte) { return std::byte{byte}; });
    return std::vector{read_npy(path), parse_npy(*copy, path.string(), "copy", copy)};
  };
  test::expect_robust({test::read_bytes(kFixtures / "version_1.npy"), test::read_bytes(kFixtures / "version_3.npy"),
                       npy_bytes(npy_dictionary("'<f4'", "(2,)"), kPair)},
                      exact);
}

}  // namespace
}  // namespace runnel
