// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/bell.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "tests/transport/link.h"
#include "tests/transport/rows.h"
#include "transport/endpoint_state.h"

namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = std::size_t{4} << 20;
constexpr std::uint64_t kRounds = 100;

class BellTest : public OnEachPath {};

std::uint64_t last_word(std::span<const std::byte> bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + bytes.size() - sizeof word, sizeof word);
  return word;
}

void set_last_word(std::span<std::byte> bytes, std::uint64_t word) {
  std::memcpy(bytes.data() + bytes.size() - sizeof word, &word, sizeof word);
}

constexpr std::uint64_t kLastRing = 2000;

// Watches its bell up to kLastRing.
RUNNEL_PEER(bell_watcher) {
  Link link(bootstrap, path_of(arguments), 4096);
  std::uint64_t seen = 1;
  while (seen < kLastRing) {
    const std::uint64_t value = link.await(CompletionKind::bell);
    EXPECT_TRUE(value > seen || value == 1) << value << " after " << seen;
    seen = value;
  }
  link.barrier();
}

TEST_P(BellTest, RisesOnlyAndCoalesces) {
  PeerProcesses peer("bell_watcher", {path_name()});
  Link link(peer.bootstrap(), GetParam(), 4096);
  std::uint64_t asked = 1;
  std::uint64_t completed = 1;
  while (completed < kLastRing) {
    while (asked < kLastRing) {
      const Status status = link.queue.ring(link.remote_bell, asked + 1, asked + 1);
      if (status.code() == StatusCode::queue_full) break;
      throw_unless_ok(status);
      ++asked;
    }
    std::array<Completion, 64> completions;
    for (const auto& completion : std::span(completions).first(link.queue.poll(completions))) {
      if (completion.kind != CompletionKind::visible_at_peer) continue;
      throw_unless_ok(completion.status);
      EXPECT_EQ(completion.value, completion.tag);
      ++completed;
    }
  }
  EXPECT_EQ(link.queue.in_flight(), 0u);
  link.barrier();
}

// Counts the bells that came before the end of their payload, and tells rank 0.
RUNNEL_PEER(overtaking_counter) {
  Link link(bootstrap, path_of(arguments), kPayloadBytes);
  std::uint64_t overtaken = 0;
  for (std::uint64_t round = 2; round < 2 + kRounds; ++round) {
    while (link.bell.value() < round) link.worker.progress();
    overtaken += last_word(link.payload()) == round ? 0 : 1;
    throw_unless_ok(link.queue.ring(link.remote_bell, round, kRingTag));
    link.await(CompletionKind::visible_at_peer);
  }
  link.barrier();
  bootstrap.all_gather(std::as_bytes(std::span(&overtaken, 1)), test_deadline());
}

// Posts a payload and a bell kRounds times, by `post(source, value)`; returns how many bells overtook their payload.
template <class Post>
std::uint64_t count_overtaken(PeerProcesses& peer, Link& link, Post&& post) {
  for (std::uint64_t round = 2; round < 2 + kRounds; ++round) {
    set_last_word(link.payload(), round);
    post(link.payload(), round);
    link.await_bell(round);
  }
  link.barrier();
  const auto counts = peer.bootstrap().all_gather({}, test_deadline());
  return last_word(counts.at(1));
}

TEST_P(BellTest, NeverOvertakesItsPayload) {
  PeerProcesses peer("overtaking_counter", {path_name()});
  Link link(peer.bootstrap(), GetParam(), kPayloadBytes);
  const auto overtaken = count_overtaken(peer, link, [&](std::span<const std::byte> source, std::uint64_t round) {
    throw_unless_ok(
        link.queue.put_and_ring(link.region, kPayloadOffset, source, link.slab, link.remote_bell, round, kPutTag));
    link.await(CompletionKind::visible_at_peer);
  });
  EXPECT_EQ(overtaken, 0u);
}

RUNNEL_ON_EACH_PATH(BellTest);

// The positive control of the test above: it must see the mistake that put_and_ring avoids.
TEST(BellControlTest, ABellPostedRightBehindItsPayloadOvertakesIt) {
  if (!cma_gets_are_one_sided()) {
    GTEST_SKIP() << "UCX " << ucx_version() << " puts through posix, in order: the mistake does not show";
  }
  PeerProcesses peer("overtaking_counter", {std::string(to_string(Path::one_sided))});
  Link link(peer.bootstrap(), Path::one_sided, kPayloadBytes);
  const auto bell_source = link.slab.bytes().subspan(kOwnProbeOffset, sizeof(std::uint64_t));
  const auto overtaken = count_overtaken(peer, link, [&](std::span<const std::byte> source, std::uint64_t round) {
    ucp_request_param_t param = {};
    param.op_attr_mask = UCP_OP_ATTR_FIELD_MEMH;
    param.memh = link.slab.handle();
    const auto put = [&](const void* from, std::size_t bytes, std::size_t to) {
      return ucp_put_nbx(link.endpoint.state().handle, from, bytes, link.region.address(to), link.region.key().get(),
                         &param);
    };
    std::memcpy(bell_source.data(), &round, sizeof round);
    const auto payload = put(source.data(), source.size(), kPayloadOffset);
    const auto bell = put(bell_source.data(), bell_source.size(), kBellOffset);
    // A payload of this size is copied by cma, which copies only while its sender progresses; the bell was stored at
    // once.
    const Deadline deadline = Deadline::after(std::chrono::milliseconds(50));
    while (link.bell.value() < round && !deadline.expired()) std::this_thread::yield();
    throw_unless_ok(link.worker.wait(payload, "payload", test_deadline()));
    throw_unless_ok(link.worker.wait(bell, "bell", test_deadline()));
  });
  EXPECT_GT(overtaken, 0u) << "the check of NeverOvertakesItsPayload is blind";
}

}  // namespace
}  // namespace runnel::test
