// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/transport/link.h"
#include "tests/transport/rows.h"

namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = std::size_t{16} << 20;

class PeerLossTest : public OnEachPath {};

RUNNEL_PEER(victim) {
  Link link(bootstrap, path_of(arguments), kPayloadBytes);
  link.progress_until([] { return false; });
}

TEST_P(PeerLossTest, AKilledPeerIsReportedOnceAndNothingIsPostedToIt) {
  PeerProcesses peer("victim", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  peer.signal(1, SIGKILL);

  Completion lost;
  const Deadline deadline = test_deadline();
  while (lost.kind != CompletionKind::peer_lost) {
    const auto polled = link.queue.wait({&lost, 1}, link.waiter, deadline);
    ASSERT_TRUE(polled.status.ok()) << polled.status.message();
  }
  EXPECT_EQ(lost.tag, kPeerTag);
  EXPECT_EQ(lost.status.code(), StatusCode::peer_lost);
  EXPECT_TRUE(link.endpoint.lost());
  const auto payload = link.payload();
  EXPECT_EQ(link.queue.put(link.region, kPayloadOffset, payload, link.slab, kPutTag).code(), StatusCode::peer_lost);
  EXPECT_EQ(link.queue.get(link.region, kPayloadOffset, payload, link.slab, kGetTag).code(), StatusCode::peer_lost);
  EXPECT_EQ(link.queue.ring(link.remote_bell, 2, kRingTag).code(), StatusCode::peer_lost);
  EXPECT_EQ(link.endpoint.flush(test_deadline()).code(), StatusCode::peer_lost);
  EXPECT_EQ(link.endpoint.close(test_deadline()).code(), StatusCode::peer_lost);
  std::array<Completion, 4> none;
  EXPECT_EQ(link.queue.poll(none), 0u);
}

TEST_P(PeerLossTest, EveryTransferInFlightEndsWithTheEndpoint) {
  PeerProcesses peer("victim", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  peer.signal(1, SIGSTOP);
  std::size_t posted = 0;
  for (std::uint64_t value = 2; value < 20; ++value) {
    throw_unless_ok(link.queue.put_and_ring(link.region, kPayloadOffset, link.payload(), link.slab, link.remote_bell,
                                            value, value));
    throw_unless_ok(link.queue.get(link.region, kPayloadOffset, link.payload(), link.slab, value));
    posted += 2;
  }
  std::size_t ended = 0;
  std::array<Completion, 64> completions;
  const auto poll = [&] {
    for (const auto& completion : std::span(completions).first(link.queue.poll(completions))) {
      if (completion.kind == CompletionKind::peer_lost) continue;
      EXPECT_TRUE(completion.status.ok() || completion.status.code() == StatusCode::peer_lost ||
                  completion.status.code() == StatusCode::canceled)
          << completion.status.message();
      ++ended;
    }
  };
  for (int i = 0; i < 100; ++i) poll();
  peer.signal(1, SIGKILL);
  const Status status = link.endpoint.close(test_deadline());
  EXPECT_EQ(status.ok(), GetParam() == Path::mapped) << "a mapped path has nothing in flight: " << status.message();
  poll();
  EXPECT_EQ(ended, posted);
  EXPECT_EQ(link.queue.in_flight(), 0u);
}

TEST_P(PeerLossTest, AStoppedPeerDoesNotHoldUpAClose) {
  PeerProcesses peer("victim", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  peer.signal(1, SIGSTOP);
  throw_unless_ok(link.queue.put(link.region, kPayloadOffset, link.payload(), link.slab, kPutTag));
  // It is stopped until the end of the test: a close that waits for it does not return.
  const Status status = link.endpoint.close(Deadline::after(std::chrono::milliseconds(200)));
  EXPECT_EQ(status.code(), GetParam() == Path::emulated ? StatusCode::deadline_exceeded : StatusCode::ok);
  Completion completion;
  EXPECT_EQ(link.queue.poll({&completion, 1}), 1u);
  EXPECT_EQ(link.queue.in_flight(), 0u);
  peer.signal(1, SIGKILL);
}

RUNNEL_ON_EACH_PATH(PeerLossTest);

}  // namespace
}  // namespace runnel::test
