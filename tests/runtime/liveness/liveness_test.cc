// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/liveness.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/runtime/liveness/raw_process.h"

namespace runnel::test {
namespace {

/// State 15 does not exist.
constexpr std::uint64_t kNoWord = 0xf0000000deadbeef;

/// Trainer 0, which rings kNoWord at the generator.
RUNNEL_PEER(trainer_with_an_invalid_word) {
  RawProcess process(bootstrap, /*generators=*/1, /*lines=*/2);
  HeartbeatLink::Connection connection(process.worker, process.offers.at(0), process.slab, /*my_line=*/1,
                                       /*peer_line=*/1);
  throw_unless_ok(process.queue.ring(connection.outbound, kNoWord, 0));
  const Deadline deadline = test_deadline();
  Completion completion;
  while (process.queue.in_flight() > 0) {
    (void)process.queue.poll({&completion, 1});
    ASSERT_FALSE(deadline.expired());
  }
  bootstrap.barrier(test_deadline());
}

TEST(LivenessTest, AnInvalidHeartbeatWordIsReportedWithItsValue) {
  PeerProcesses peers("trainer_with_an_invalid_word", {});
  const PeerGroup group = introduce(peers.bootstrap());
  Context context(over_tcp());
  Liveness liveness(context, group);
  ConnectionOffer mine;
  liveness.add_to(mine);
  mine.data_address = mine.liveness_address;
  mine.control = mine.heartbeats;
  liveness.start(exchange_offers(peers.bootstrap(), mine, test_deadline(), {}));
  const Deadline deadline = test_deadline();
  while (!liveness.stopping() && !deadline.expired()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(liveness.stopping());
  try {
    liveness.throw_stop();
  } catch (const PeerLost& lost) {
    const Peer& peer = group.at(1);
    EXPECT_EQ(lost.what(), "trainer 0 is lost rank=0 peer=1 host=" + peer.host.name +
                               " pid=" + std::to_string(peer.pid) +
                               " phase=bootstrap step=0 cause=it sent an invalid heartbeat word 0xf0000000deadbeef; "
                               "the run ends here: look at that host, then start the run again");
  }
  peers.bootstrap().barrier(test_deadline());
}

}  // namespace
}  // namespace runnel::test
