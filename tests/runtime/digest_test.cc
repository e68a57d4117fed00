// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/digest.h"

#include <gtest/gtest.h>

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

TEST(Digest, OfPartsIsThatOfTheWhole) {
  const std::array parts = {bytes_of("a"), bytes_of(""), bytes_of("bc")};
  EXPECT_EQ(sha256(parts), sha256(bytes_of("abc")));
}

}  // namespace
}  // namespace runnel
