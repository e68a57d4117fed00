// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>

#include "tests/support/pattern.h"
#include "tests/transport/link.h"
#include "tests/transport/rows.h"
#include "transport/endpoint_state.h"

namespace runnel::test {
namespace {

constexpr std::size_t kPayloadBytes = std::size_t{8} << 20;
constexpr std::size_t kOperations = 2;  // of the queue, so that each request reuses a slot

enum class Kind : std::uint8_t { put, put_and_ring, ring, get };

/// A second worker of this process, which is a peer like any other: nothing of it moves but when the test says so.
struct Target {
  explicit Target(Context& context)
      : worker(context), slab(Slab::allocate(context, kPayloadOffset + kPayloadBytes)), bell(slab, kBellOffset) {}

  std::span<const std::byte> payload() const { return slab.bytes().subspan(kPayloadOffset, kPayloadBytes); }

  Worker worker;
  Slab slab;
  Bell bell;
};

/// The initiator's view of a Target.
struct Connection {
  Connection(Worker& worker, Target& peer, Path path)
      : target(peer),
        endpoint(worker, peer.worker.address()),
        region(endpoint, peer.slab.descriptor(), mapping_policy_for(path)),
        bell(region, kBellOffset, kParkOffset) {}

  Target& target;
  Endpoint endpoint;
  RemoteRegion region;
  RemoteBell bell;
  std::uint64_t rung = 0;
};

class OperationReuseTest : public OnEachPath {
 protected:
  OperationReuseTest()
      : context_(context_options_for(GetParam())),
        busy_target_(context_),
        target_(context_),
        worker_(context_),
        slab_(Slab::allocate(context_, kPayloadBytes)),
        queue_(worker_, kOperations) {}

  /// Posts `kind` towards `peer`.
  void post(Connection& peer, Kind kind, std::size_t bytes) {
    const auto part = slab_.bytes().first(bytes);
    switch (kind) {
      case Kind::put:
        return throw_unless_ok(queue_.put(peer.region, kPayloadOffset, part, slab_, 0));
      case Kind::put_and_ring:
        return throw_unless_ok(
            queue_.put_and_ring(peer.region, kPayloadOffset, part, slab_, peer.bell, ++peer.rung, 0));
      case Kind::ring:
        return throw_unless_ok(queue_.ring(peer.bell, ++peer.rung, 0));
      case Kind::get:
        return throw_unless_ok(queue_.get(peer.region, kPayloadOffset, part, slab_, 0));
    }
  }

  /// Progresses everybody until no operation is in flight, with `look` after every step.
  template <class Look>
  void complete(Look&& look) {
    const Deadline deadline = test_deadline();
    while (queue_.in_flight() > 0) {
      if (deadline.expired()) throw TransportError(StatusCode::deadline_exceeded, "an operation");
      std::array<Completion, 1> completions;
      const std::size_t count = queue_.poll(completions);
      for (const auto& completion : std::span(completions).first(count)) throw_unless_ok(completion.status);
      look();
      busy_target_.worker.progress();
      target_.worker.progress();
    }
  }

  /// Puts a payload and rings behind it, and looks for the payload as soon as the bell has arrived.
  void expect_payload_before_bell(Connection& peer, std::uint64_t seed) {
    fill_pattern(slab_.bytes().first(kPayloadBytes), seed);
    post(peer, Kind::put, kPayloadBytes);
    post(peer, Kind::ring, 0);
    bool is_rung = false;
    const auto look = [&] {
      if (is_rung || peer.target.bell.value() < peer.rung) return;
      is_rung = true;
      EXPECT_EQ(first_difference(peer.target.payload(), seed), std::nullopt) << "when bell " << peer.rung << " arrived";
    };
    look();
    complete(look);
    EXPECT_TRUE(is_rung);
  }

  Context context_;
  Target busy_target_;
  Target target_;
  Worker worker_;
  Slab slab_;
  CompletionQueue queue_;
};

// A slot that kept what it knew of another endpoint would count puts as flushed that are not, and skip a flush.
TEST_P(OperationReuseTest, ABellNeverOvertakesItsPayloadWhateverTheSlotDidBefore) {
  Connection busy(worker_, busy_target_, GetParam());
  Connection peer(worker_, target_, GetParam());
  std::uint64_t seed = 0;
  for (const Kind kind : {Kind::put, Kind::put_and_ring, Kind::ring, Kind::get}) {
    for (std::size_t round = 0; round < 4; ++round) {
      SCOPED_TRACE("kind " + std::to_string(static_cast<int>(kind)) + ", round " + std::to_string(round));
      for (std::size_t i = 0; i < 3 + round; ++i) {
        post(busy, kind, 65536);
        complete([] {});
      }
      post(peer, Kind::ring, 0);
      complete([] {});
      const EndpointState& state = peer.endpoint.state();
      EXPECT_LE(state.puts_flushed, state.puts_posted) << "a flush counts for puts that nobody has posted";
      for (int i = 0; i < 2; ++i) expect_payload_before_bell(peer, ++seed);
    }
  }
}

RUNNEL_ON_EACH_PATH(OperationReuseTest);

}  // namespace
}  // namespace runnel::test
