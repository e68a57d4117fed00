// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/frame.h"

#include <gtest/gtest.h>

#include <random>

namespace runnel {
namespace {

std::vector<std::byte> sample() {
  FrameWriter writer;
  writer.u8(7);
  writer.u32(0xDEADBEEF);
  writer.text("host-1");
  return writer.seal(FrameKind::introduction);
}

void read_all(std::span<const std::byte> frame) {
  FrameReader reader(frame, FrameKind::introduction, "rank 3");
  EXPECT_EQ(reader.u8(), 7);
  EXPECT_EQ(reader.u32(), 0xDEADBEEF);
  EXPECT_EQ(reader.text(), "host-1");
  reader.finish();
}

std::string error_of(std::span<const std::byte> frame, FrameKind kind = FrameKind::introduction) {
  try {
    FrameReader(frame, kind, "rank 3").finish();
  } catch (const FrameError& error) {
    EXPECT_EQ(error.status(), ExitStatus::protocol_mismatch);
    return error.what();
  }
  return "";
}

TEST(Frame, RoundTrips) {
  read_all(sample());
}

TEST(Frame, RefusesEveryTruncation) {
  const auto frame = sample();
  for (std::size_t length = 0; length < frame.size(); ++length) {
    EXPECT_THROW(FrameReader(std::span(frame).first(length), FrameKind::introduction, "rank 3"), FrameError) << length;
  }
}

TEST(Frame, RefusesEveryFlippedBit) {
  const auto frame = sample();
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    auto broken = frame;
    broken[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    EXPECT_THROW(FrameReader(broken, FrameKind::introduction, "rank 3"), FrameError) << "bit " << bit;
  }
}

TEST(Frame, NamesTheSenderAndBothProtocolVersions) {
  auto frame = sample();
  frame[8] = std::byte{9};
  EXPECT_NE(error_of(frame).find("rank 3"), std::string::npos);
  EXPECT_NE(error_of(frame).find("protocol version 9"), std::string::npos);
  EXPECT_NE(error_of(frame).find("speaks " + std::to_string(kProtocolVersion)), std::string::npos);
}

TEST(Frame, RefusesAnotherKindAndUnreadFields) {
  EXPECT_NE(error_of(sample(), FrameKind::connection).find("kind"), std::string::npos);
  EXPECT_NE(error_of(sample()).find("more than its fields"), std::string::npos);
}

TEST(Frame, NeverReadsPastTheEnd) {
  FrameWriter writer;
  writer.u32(0xFFFFFFFF);  // read as the length of a text
  const auto frame = writer.seal(FrameKind::introduction);
  FrameReader reader(frame, FrameKind::introduction, "rank 3");
  EXPECT_THROW(reader.text(), FrameError);
}

TEST(Frame, NoiseIsRefused) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 10'000; ++round) {
    std::vector<std::byte> noise(random() % 300);
    for (auto& byte : noise) byte = static_cast<std::byte>(random());
    EXPECT_THROW(FrameReader(noise, FrameKind::introduction, "rank 3"), FrameError);
  }
}

}  // namespace
}  // namespace runnel
