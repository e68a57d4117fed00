// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/region_descriptor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "tests/support/pattern.h"
#include "transport/status.h"

namespace runnel::test {
namespace {

RegionDescriptor example(MemoryKind kind = MemoryKind::host) {
  RegionDescriptor descriptor = {.kind = kind, .base = 0x7f0012345000, .length = 4799528, .packed_key = {}};
  descriptor.packed_key.resize(24);
  fill_pattern(descriptor.packed_key, 3);
  return descriptor;
}

/// True when decoding throws what it promises; false when it succeeds. Anything else escapes and fails the test.
bool is_refused(std::span<const std::byte> record) {
  try {
    decode_region_descriptor(record);
    return false;
  } catch (const TransportError& error) {
    EXPECT_EQ(error.code(), StatusCode::invalid);
    return true;
  }
}

TEST(RegionDescriptorTest, ReadsWhatItWrites) {
  EXPECT_EQ(decode_region_descriptor(encode(example())), example());
  EXPECT_EQ(decode_region_descriptor(encode(example(MemoryKind::cuda))), example(MemoryKind::cuda));
}

TEST(RegionDescriptorTest, HasTheDocumentedLayout) {
  const auto record = encode(example());
  ASSERT_EQ(record.size(), 32u + 24u + 4u);
  const std::array<std::uint8_t, 32> header = {'R',  'E', 'G',  'R', 1, 0,    0,    0,    0x00, 0x50, 0x34,
                                               0x12, 0,   0x7f, 0,   0, 0x28, 0x3c, 0x49, 0,    0,    0,
                                               0,    0,   24,   0,   0, 0,    60,   0,    0,    0};
  EXPECT_TRUE(std::ranges::equal(std::span(record).first(32), std::as_bytes(std::span(header))));
  EXPECT_TRUE(std::ranges::equal(std::span(record).subspan(32, 24), example().packed_key));
}

TEST(RegionDescriptorTest, RefusesEveryTruncation) {
  const auto record = encode(example());
  for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
    EXPECT_TRUE(is_refused(std::span(record).first(bytes))) << bytes;
  }
  auto longer = record;
  longer.push_back(std::byte{0});
  EXPECT_TRUE(is_refused(longer));
}

TEST(RegionDescriptorTest, RefusesEveryFlippedBit) {
  const auto record = encode(example());
  for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
    auto damaged = record;
    damaged[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_TRUE(is_refused(damaged)) << "bit " << bit;
  }
}

TEST(RegionDescriptorTest, RefusesFieldsThatNoChecksumGuards) {
  auto empty = example();
  empty.length = 0;
  EXPECT_TRUE(is_refused(encode(empty)));
  auto wrapping = example();
  wrapping.length = ~std::uint64_t{0} - wrapping.base + 2;
  EXPECT_TRUE(is_refused(encode(wrapping)));
  EXPECT_TRUE(is_refused(encode(example(static_cast<MemoryKind>(2)))));
}

TEST(RegionDescriptorTest, RefusesRandomMutations) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto record = encode(example());
  for (int i = 0; i < 20000; ++i) {
    auto damaged = record;
    for (auto changes = 1 + random() % 8; changes > 0; --changes)
      damaged[random() % damaged.size()] = std::byte(random());
    if (random() % 4 == 0) damaged.resize(random() % (2 * record.size()));
    ASSERT_TRUE(damaged == record || is_refused(damaged)) << "mutation " << i;
  }
}

}  // namespace
}  // namespace runnel::test
