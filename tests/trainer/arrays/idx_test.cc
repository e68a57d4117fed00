// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"
#include "tests/trainer/idx_files.h"

namespace runnel {
namespace {

using test::Bytes;
using test::elements;
using test::gzip;
using testing::ElementsAre;
using testing::HasSubstr;

/// An IDX file: the type's code, the sizes, and the elements as they are in the file.
Bytes idx_bytes(std::uint8_t type, const std::vector<std::uint32_t>& sizes, const Bytes& elements) {
  Bytes bytes = {0, 0, type, static_cast<std::uint8_t>(sizes.size())};
  for (const std::uint32_t size : sizes) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(size >> shift));
  }
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

std::string refusal(const Bytes& bytes) {
  return test::refusal(bytes, [](const auto& path) { read_idx(path); });
}

Array read(const Bytes& bytes) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder.path() / "some-idx.gz", bytes);
  return read_idx(folder.path() / "some-idx.gz");
}

template <class Number>
void expect_pair(std::uint8_t code, ElementType type, const Bytes& bytes, Number first, Number second) {
  const Bytes file = idx_bytes(code, {2, 1}, bytes);
  for (const Array& array : {read(file), read(gzip(file))}) {
    EXPECT_EQ(array.name, "some-idx");
    EXPECT_EQ(array.type, type);
    EXPECT_THAT(array.shape, ElementsAre(2, 1));
    EXPECT_THAT(elements<Number>(array), ElementsAre(first, second));
  }
}

TEST(Idx, ReadsEachTypePlainAndCompressed) {
  expect_pair<std::uint8_t>(0x08, ElementType::uint8, {1, 255}, 1, 255);
  expect_pair<std::int8_t>(0x09, ElementType::int8, {1, 255}, 1, -1);
  expect_pair<std::int16_t>(0x0B, ElementType::int16, {1, 2, 0xff, 0xfe}, 0x0102, -2);
  expect_pair<std::int32_t>(0x0C, ElementType::int32, {1, 2, 3, 4, 0xff, 0xff, 0xff, 0xfe}, 0x01020304, -2);
  expect_pair<float>(0x0D, ElementType::float32, {0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0}, 1.5F, -2);
  expect_pair<double>(0x0E, ElementType::float64, {0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0}, 1.5, -2);
}

TEST(Idx, ReadsAnyNumberOfDimensions) {
  EXPECT_THAT(read(idx_bytes(0x08, {3}, {1, 2, 3})).shape, ElementsAre(3));
  EXPECT_THAT(read(idx_bytes(0x08, {1, 2, 1, 3, 1}, Bytes(6))).shape, ElementsAre(1, 2, 1, 3, 1));
  EXPECT_THAT(read(gzip(idx_bytes(0x0D, {0, 7}, {}))).shape, ElementsAre(0, 7));
  const std::vector<std::uint32_t> most(255, 1);
  EXPECT_EQ(read(idx_bytes(0x08, most, {5})).shape.size(), 255U);
}

TEST(Idx, RefusesOtherMagicNumbers) {
  EXPECT_THAT(refusal({0, 0, 0x0A, 1, 0, 0, 0, 0}),
              HasSubstr("expected the IDX magic number 0x0000TTDD, with a type TT of 08, 09, 0b, 0c, 0d or 0e and DD "
                        "dimensions, found 0x00000a01"));
  EXPECT_THAT(refusal({0, 0, 8, 0, 1}), HasSubstr("found 0x00000800"));
  EXPECT_THAT(refusal({1, 0, 8, 1, 0, 0, 0, 0}), HasSubstr("found 0x01000801"));
  EXPECT_THAT(refusal(gzip({'P', 'K', 3, 4})), HasSubstr("found 0x504b0304"));
  EXPECT_THAT(refusal({'P', 'K', 3, 4}), HasSubstr("found a ZIP archive, as torch.save and NumPy write it; give"));
}

TEST(Idx, RefusesWrongLengths) {
  EXPECT_EQ(refusal(idx_bytes(0x0D, {2}, Bytes(7))), "expected 16 bytes, found 15 bytes");
  EXPECT_EQ(refusal(idx_bytes(0x08, {2}, Bytes(3))), "expected 10 bytes, found more");
  EXPECT_EQ(refusal(gzip(idx_bytes(0x0D, {2}, Bytes(9)))), "expected 16 bytes, found more");
  EXPECT_EQ(refusal(gzip(idx_bytes(0x0D, {2}, Bytes(7)))), "expected 16 bytes, found 15 bytes");
  EXPECT_EQ(refusal(idx_bytes(0x0E, {~0U, ~0U}, Bytes(7))),
            "expected fewer than 2^60 elements, found sizes [4294967295, 4294967295]");
  EXPECT_THAT(refusal(idx_bytes(0x08, {~0U, 1 << 20}, Bytes(7))), HasSubstr("samples, found a file of 19"));
  EXPECT_THAT(refusal(gzip(idx_bytes(0x08, {1 << 30}, Bytes(7)))), HasSubstr("samples, found a file of "));
}

TEST(Idx, RefusesFilesThatEndEarly) {
  for (const Bytes& whole : {idx_bytes(0x0B, {2, 1}, {1, 2, 3, 4}), gzip(idx_bytes(0x0B, {2, 1}, {1, 2, 3, 4}))}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))), "") << length;
    }
  }
  EXPECT_EQ(refusal({0, 0, 8, 2, 0, 0}), "expected a header, found 6 bytes");
}

TEST(Idx, CompressedMembersFollowEachOtherAndNothingElseDoes) {
  Bytes bytes = gzip({0, 0, 8, 1, 0, 0, 0, 2});
  const Bytes more = gzip({5, 6});
  bytes.insert(bytes.end(), more.begin(), more.end());
  EXPECT_THAT(elements<std::uint8_t>(read(bytes)), ElementsAre(5, 6));
  bytes.push_back('x');
  EXPECT_EQ(refusal(bytes), "expected readable data, found: bytes after the end of the gzip data");
  bytes.pop_back();
  bytes[bytes.size() - 8] ^= 1;
  EXPECT_EQ(refusal(bytes), "expected readable data, found: incorrect data check");
}

TEST(Idx, RandomChangesAreReadOrRefused) {
  const Bytes floats = idx_bytes(0x0D, {2, 1}, Bytes(8, 1));
  test::expect_robust({idx_bytes(0x08, {2, 3}, Bytes(6, 1)), floats, gzip(floats)},
                      [](const auto& path) { return std::vector{read_idx(path)}; });
}

}  // namespace
}  // namespace runnel
