// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/digest.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace runnel {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The examples of NIST for FIPS 180-4.
TEST(Digest, AgreesWithTheStandard) {
  EXPECT_EQ(to_hex(sha256(bytes_of(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(sha256(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// Around the lengths where padding takes another block, and over many blocks; values of coreutils' sha256sum.
TEST(Digest, PadsEveryLength) {
  const auto of_letters = [](std::size_t count) { return to_hex(sha256(bytes_of(std::string(count, 'a')))); };
  EXPECT_EQ(of_letters(55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(of_letters(56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(of_letters(64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  EXPECT_EQ(of_letters(1'000'000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Digest, OfPartsIsThatOfTheWhole) {
  const std::array parts = {bytes_of("a"), bytes_of(""), bytes_of("bc")};
  EXPECT_EQ(sha256(parts), sha256(bytes_of("abc")));
}

TEST(Digest, OfAStreamIsThatOfTheWholeAndBeginsAnew) {
  Sha256Stream stream;
  for (int round = 0; round < 2; ++round) {
    for (const std::string_view part : {"a", "", "bc"}) stream.append(bytes_of(part));
    EXPECT_EQ(stream.finish(), sha256(bytes_of("abc")));
  }
}

}  // namespace
}  // namespace runnel
