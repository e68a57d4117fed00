// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "tests/support/pattern.h"
#include "tests/transport/link.h"
#include "tests/transport/rows.h"

namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = std::size_t{8} << 20;
constexpr std::array<std::size_t, 7> kSizes = {4, 64, 4096, 4404, 65536, 1048576, kPayloadBytes};

class TransferTest : public OnEachPath {};

// Checks each payload when its bell rings, and rings back.
RUNNEL_PEER(check_payloads) {
  Link link(bootstrap, path_of(arguments), kPayloadBytes);
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    link.await_bell(2 + i);
    EXPECT_EQ(first_difference(link.payload().first(kSizes[i]), i), std::nullopt) << "size " << kSizes[i];
    throw_unless_ok(link.queue.ring(link.remote_bell, 2 + i, kRingTag));
    link.await(CompletionKind::visible_at_peer);
  }
  link.barrier();
}

TEST_P(TransferTest, PutAndRingShowsThePayloadWithTheBell) {
  PeerProcesses peer("check_payloads", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    const auto source = link.payload().first(kSizes[i]);
    fill_pattern(source, i);
    throw_unless_ok(
        link.queue.put_and_ring(link.region, kPayloadOffset, source, link.slab, link.remote_bell, 2 + i, kPutTag));
    EXPECT_EQ(link.await(CompletionKind::visible_at_peer), 2 + i);
    link.await_bell(2 + i);
  }
  link.barrier();
}

TEST_P(TransferTest, PutReusesItsSourceAndARingOrdersBehindIt) {
  PeerProcesses peer("check_payloads", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    const auto source = link.payload().first(kSizes[i]);
    fill_pattern(source, i);
    throw_unless_ok(link.queue.put(link.region, kPayloadOffset, source, link.slab, kPutTag));
    throw_unless_ok(link.queue.ring(link.remote_bell, 2 + i, kRingTag));
    link.await(CompletionKind::source_reusable);
    std::ranges::fill(source, std::byte{0});
    link.await_bell(2 + i);
  }
  link.barrier();
}

// Serves its payload until the bell rings 2.
RUNNEL_PEER(serve_payload) {
  Link link(bootstrap, path_of(arguments), kPayloadBytes);
  fill_pattern(link.payload(), 7);
  link.barrier();
  link.await_bell(2);
  link.barrier();
}

TEST_P(TransferTest, GetReadsAnyPartOfThePeersSlab) {
  PeerProcesses peer("serve_payload", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  link.barrier();
  throw_unless_ok(link.queue.get(link.region, kPayloadOffset, link.payload(), link.slab, kGetTag));
  link.await(CompletionKind::data_arrived);
  EXPECT_EQ(first_difference(link.payload(), 7), std::nullopt);

  std::vector<std::byte> expected(link.payload().begin(), link.payload().end());
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100; ++i) {
    const std::size_t offset = random() % kPayloadBytes / 4 * 4;
    const std::size_t bytes =
        std::max<std::size_t>(4, random() % std::min<std::size_t>(kPayloadBytes - offset, 200000) / 4 * 4);
    const std::size_t target = random() % (kPayloadBytes - bytes + 1);
    const auto part = link.payload().subspan(target, bytes);
    throw_unless_ok(link.queue.get(link.region, kPayloadOffset + offset, part, link.slab, kGetTag));
    link.await(CompletionKind::data_arrived);
    ASSERT_EQ(std::memcmp(part.data(), expected.data() + offset, bytes), 0) << offset << " + " << bytes;
  }
  throw_unless_ok(link.queue.ring(link.remote_bell, 2, kRingTag));
  link.await(CompletionKind::visible_at_peer);
  link.barrier();
}

TEST_P(TransferTest, AMappedRegionIsReadInPlace) {
  PeerProcesses peer("serve_payload", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  link.barrier();
  EXPECT_EQ(link.region.is_mapped(), GetParam() == Path::mapped);
  if (link.region.is_mapped()) {
    EXPECT_EQ(first_difference(link.region.mapped().subspan(kPayloadOffset, kPayloadBytes), 7), std::nullopt);
  }
  throw_unless_ok(link.queue.ring(link.remote_bell, 2, kRingTag));
  link.await(CompletionKind::visible_at_peer);
  link.barrier();
}

TEST_P(TransferTest, ManyTransfersInFlightAllArrive) {
  PeerProcesses peer("check_payloads", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    const auto source = link.payload().first(kSizes[i]);
    fill_pattern(source, i);
    const std::size_t words = kSizes[i] / 4;
    const std::size_t parts = std::min<std::size_t>(words, 60);
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t begin = words * part / parts * 4;
      const std::size_t end = words * (part + 1) / parts * 4;
      throw_unless_ok(
          link.queue.put(link.region, kPayloadOffset + begin, source.subspan(begin, end - begin), link.slab, kPutTag));
    }
    EXPECT_LE(link.queue.in_flight(), parts);
    throw_unless_ok(link.queue.ring(link.remote_bell, 2 + i, kRingTag));
    while (link.queue.in_flight() > 0) {
      std::array<Completion, 16> completions;
      for (const auto& completion : std::span(completions).first(link.queue.poll(completions))) {
        throw_unless_ok(completion.status);
      }
    }
    link.await_bell(2 + i);
  }
  link.barrier();
}

TEST_P(TransferTest, RefusesWhatItMustNotPost) {
  PeerProcesses peer("serve_payload", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  link.barrier();
  const std::size_t end = link.region.length();
  const auto source = link.payload().first(64);
  std::array<std::byte, 64> elsewhere{};
  const auto put = [&](std::size_t offset, std::span<const std::byte> bytes) {
    return link.queue.put(link.region, offset, bytes, link.slab, kPutTag).code();
  };
  EXPECT_EQ(put(end - 60, source), StatusCode::out_of_range);
  EXPECT_EQ(put(end, source), StatusCode::out_of_range);
  EXPECT_EQ(put(SIZE_MAX - 3, source), StatusCode::out_of_range);
  EXPECT_EQ(put(kPayloadOffset, elsewhere), StatusCode::out_of_range);
  EXPECT_EQ(put(kPayloadOffset + 1, source), StatusCode::misaligned);
  EXPECT_EQ(put(kPayloadOffset, source.first(3)), StatusCode::misaligned);
  EXPECT_EQ(put(kPayloadOffset, {}), StatusCode::invalid);
  EXPECT_EQ(link.queue.get(link.region, end - 60, link.payload().first(64), link.slab, kGetTag).code(),
            StatusCode::out_of_range);
  EXPECT_EQ(link.queue.get(link.region, kPayloadOffset + 2, link.payload().first(64), link.slab, kGetTag).code(),
            StatusCode::misaligned);
  EXPECT_EQ(link.queue.put_and_ring(link.region, end, source, link.slab, link.remote_bell, 2, kPutTag).code(),
            StatusCode::out_of_range);
  EXPECT_EQ(link.queue.ring(link.remote_bell, 1, kRingTag).code(), StatusCode::invalid) << "a bell's values rise";
  EXPECT_THROW(RemoteBell(link.region, 8, kParkOffset), TransportError);
  EXPECT_THROW(RemoteBell(link.region, end, kParkOffset), TransportError);
  EXPECT_THROW(Bell(link.slab, 4), TransportError);
  EXPECT_THROW(Bell(link.slab, end), TransportError);
  EXPECT_THROW(ParkWord(link.slab.bytes(), 32), TransportError);
  EXPECT_EQ(link.queue.in_flight(), 0u);
  EXPECT_TRUE(link.remote_bell.reached()) << "a refused request leaves no trace";

  for (int i = 0; i < 64; ++i) throw_unless_ok(link.queue.ring(link.remote_bell, 2 + i, kRingTag));
  EXPECT_EQ(link.queue.ring(link.remote_bell, 100, kRingTag).code(), StatusCode::queue_full);
  link.await(CompletionKind::visible_at_peer);
  link.barrier();
}

RUNNEL_ON_EACH_PATH(TransferTest);

}  // namespace
}  // namespace runnel::test
