// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"

namespace runnel {
namespace {

using test::Bytes;
using test::elements;
using test::make_zip;
using test::npy_bytes;
using test::npy_dictionary;
using test::number_bytes;
using test::read_bytes;
using test::ZipText;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const std::filesystem::path kFixtures = RUNNEL_FIXTURE_FOLDER;

std::string npy_text(const std::string& descr, const std::string& shape, const Bytes& bytes) {
  const Bytes file = npy_bytes(npy_dictionary(descr, shape), bytes);
  return {file.begin(), file.end()};
}

std::string refusal(const Bytes& bytes, const std::vector<std::string>& names = {}) {
  return test::refusal(bytes, [&](const auto& path) { read_npz(path, names); });
}

TEST(Npz, ReadsStoredAndDeflatedArraysOfNumPy) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const auto arrays = read_npz(kFixtures / name);
    ASSERT_EQ(arrays.size(), 2U);
    EXPECT_EQ(arrays[0].name, "label");
    EXPECT_THAT(elements<std::int64_t>(arrays[0]), ElementsAre(0, 1));
    EXPECT_EQ(arrays[1].name, "x");
    EXPECT_THAT(arrays[1].shape, ElementsAre(2, 3));
    EXPECT_THAT(elements<float>(arrays[1]), ElementsAre(-2.5F, -1.5F, -0.5F, 0.5F, 1.5F, 2.5F));
  }
}

TEST(Npz, ReadsThoseAskedForOnly) {
  const Bytes bytes = make_zip({{"a.npy", npy_text("'<i2'", "(1,)", number_bytes<std::int16_t>({7}))},
                                {"names.npy", npy_text("'<U3'", "(0,)", {})},
                                {"b.npy", npy_text("'|u1'", "()", {9})},
                                {"notes.txt", "hello"}});
  const test::TemporaryFolder folder;
  test::write_bytes(folder.path() / "some.npz", bytes);
  EXPECT_THAT(names_in_npz(folder.path() / "some.npz"), ElementsAre("a", "b", "names")) << "notes.txt is no array";
  const auto arrays = read_npz(folder.path() / "some.npz", {"b", "a"});
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_THAT(elements<std::uint8_t>(arrays[0]), ElementsAre(9));
  EXPECT_THAT(elements<std::int16_t>(arrays[1]), ElementsAre(7));
  EXPECT_EQ(refusal(bytes, {"c"}), "expected an array \"c\", found a, b, names, notes.txt");
  EXPECT_THAT(refusal(bytes, {"names"}), HasSubstr("member \"names.npy\": byte 20: expected a type such as '<f4'"));
  EXPECT_THAT(refusal(bytes), HasSubstr("member \"names.npy\": "));
  EXPECT_EQ(refusal(make_zip({}), {"c"}), "expected an array \"c\", found none");
}

TEST(Npz, RefusesMembersThatAreNoArrays) {
  EXPECT_EQ(refusal(make_zip({{"notes.txt", "hello"}})),
            "member \"notes.txt\": byte 0: expected a NumPy array (.npy), found another kind of file");
  EXPECT_THAT(refusal(read_bytes(kFixtures / "int8.npy")), HasSubstr("expected a ZIP archive, found a NumPy array"));
}

TEST(Npz, ChecksDeflatedBytesByTheirChecksum) {
  const ZipText member{"x.npy", npy_text("'|u1'", "(3000,)", Bytes(3000, 7)), /*deflated=*/true};
  Bytes bytes = make_zip({member});
  EXPECT_EQ(refusal(bytes), "");
  bytes[bytes.size() - 22 - 46 - 5 + 16] ^= 1;  // in the directory
  EXPECT_THAT(refusal(bytes), EndsWith("is damaged: its bytes do not have its checksum"));
}

TEST(Npz, RefusesFilesThatEndEarly) {
  for (const char* name : {"stored.npz", "deflated.npz"}) {
    const Bytes whole = read_bytes(kFixtures / name);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_NE(refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))), "") << length;
    }
  }
}

TEST(Npz, RandomChangesAreReadOrRefused) {
  test::expect_robust({read_bytes(kFixtures / "stored.npz"), read_bytes(kFixtures / "deflated.npz")},
                      [](const auto& path) { return read_npz(path); });
}

}  // namespace
}  // namespace runnel
