// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"

namespace runnel {
namespace {

using test::Bytes;
using test::elements;
using test::npy_bytes;
using test::npy_dictionary;
using testing::ElementsAre;
using testing::HasSubstr;

Array read(const Bytes& bytes, ElementType raw) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder.path() / "train.bin", bytes);
  return read_tokens(folder.path() / "train.bin", raw);
}

std::string refusal(const Bytes& bytes) {
  return test::refusal(bytes, [](const auto& path) { read_tokens(path, ElementType::uint16); });
}

TEST(Tokens, ReadsRawOnes) {
  const Array narrow = read({1, 2, 0xff, 0xff}, ElementType::uint16);
  EXPECT_EQ(narrow.name, "tokens");
  EXPECT_EQ(narrow.type, ElementType::uint16);
  EXPECT_THAT(narrow.shape, ElementsAre(2));
  EXPECT_THAT(elements<std::uint16_t>(narrow), ElementsAre(0x0201, 0xffff));
  EXPECT_THAT(elements<std::uint32_t>(read({1, 2, 3, 4}, ElementType::uint32)), ElementsAre(0x04030201));
}

TEST(Tokens, ReadsThoseOfNumPyWithTheirOwnType) {
  const Array tokens = read(npy_bytes(npy_dictionary("'<i4'", "(2,)"), {1, 0, 0, 0, 2, 0, 0, 0}), ElementType::uint16);
  EXPECT_EQ(tokens.name, "tokens");
  EXPECT_EQ(tokens.type, ElementType::int32);
  EXPECT_THAT(elements<std::int32_t>(tokens), ElementsAre(1, 2));
}

TEST(Tokens, RefusesWhatIsNone) {
  EXPECT_EQ(refusal({}), "byte 0: expected at least one token, found none");
  EXPECT_EQ(refusal({1, 2, 3}),
            "byte 3: expected whole tokens of type uint16, found the end of the file in one; is their type another?");
  EXPECT_EQ(refusal(npy_bytes(npy_dictionary("'<f4'", "(1,)"), Bytes(4))),
            "byte 0: expected tokens, integers in one dimension, found float32 [1]; save array.ravel().astype('<u4')");
  EXPECT_THAT(refusal(npy_bytes(npy_dictionary("'|b1'", "(4,)"), Bytes(4))), HasSubstr("found bool [4]"));
  EXPECT_THAT(refusal(npy_bytes(npy_dictionary("'<u2'", "(2, 1)"), Bytes(4))), HasSubstr("found uint16 [2, 1]"));
  EXPECT_THAT(refusal(npy_bytes(npy_dictionary("'<u2'", "()"), Bytes(2))), HasSubstr("found uint16 []"));
  EXPECT_THAT(refusal(npy_bytes(npy_dictionary("'<u2'", "(0,)"), {})), HasSubstr("found none"));
  EXPECT_THAT(refusal(npy_bytes(npy_dictionary("'<u2'", "(3,)"), Bytes(4))), HasSubstr("expected 6 bytes"));
}

TEST(Tokens, RefusesArchivesAndTexts) {
  const auto of_text = [](const std::string& text) { return refusal(test::text_bytes(text)); };
  EXPECT_THAT(of_text("PK\x03\x04" + std::string(60, '\1')), HasSubstr("of type uint16, found a ZIP archive"));
  EXPECT_THAT(of_text("\x1f\x8b\x08\x01" + std::string(60, '\1')), HasSubstr("found a gzip file; decompress it"));
  EXPECT_THAT(of_text("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("git lfs pull"));
  std::string text = "In the beginning was the word, and it was written as letters,\nnot as\ttokens.\r\n";
  EXPECT_EQ(of_text(text),
            "byte 0: expected raw tokens of type uint16, found a text; write tokens with "
            "array.astype('<u2').tofile(path)");
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_THAT(of_text(std::string(i, '-') + std::string(50, '-') + "ääääääääää"), HasSubstr("a text"));
  text[20] = '\0';
  EXPECT_EQ(of_text(text.substr(0, 64)), "") << "letters and zeros are what small tokens look like";
  EXPECT_EQ(of_text("\x1f\x8b\x09\x01" + std::string(60, '\1')), "") << "token 35615";
  EXPECT_EQ(of_text("\x80\x02" + std::string(60, '\1')), "") << "token 640";
  EXPECT_EQ(of_text("four"), "") << "two tokens";
  EXPECT_EQ(of_text(std::string(64, '\xff')), "");
}

TEST(Tokens, RandomChangesAreReadOrRefused) {
  test::expect_robust({Bytes(7 * 2, 1), npy_bytes(npy_dictionary("'<u2'", "(2,)"), Bytes(4))},
                      [](const auto& path) { return std::vector{read_tokens(path, ElementType::uint16)}; });
}

}  // namespace
}  // namespace runnel
