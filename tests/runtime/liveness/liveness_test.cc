// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/liveness.h"

#include <gtest/gtest.h>

#include <thread>

#include "runtime/liveness/heartbeat_link.h"
#include "tests/support/peer_process.h"
#include "transport/completion_queue.h"
#include "transport/context.h"
#include "transport/path.h"

namespace runnel::test {
namespace {

ContextOptions over_tcp() {
  ContextOptions options = context_options_for(Path::emulated);
  options.shared_between_threads = true;
  return options;
}

PeerGroup introduce(Bootstrap& bootstrap) {
  const Introduction mine{.device = DeviceId::cpu(),
                          .runnel_version = "test",
                          .ucx_version = ucx_version(),
                          .layout_fingerprint = "",
                          .configuration = {}};
  return PeerGroup::introduce(bootstrap, mine, /*generators=*/1, test_deadline());
}

/// State 15 does not exist.
constexpr std::uint64_t kNoWord = 0xf0000000deadbeef;

/// Trainer 0, which rings kNoWord at the generator.
RUNNEL_PEER(trainer_with_an_invalid_word) {
  const PeerGroup group = introduce(bootstrap);
  Context context(over_tcp());
  Worker worker(context);
  const Slab slab = Slab::allocate(context, 2 * kLineBytes);
  CompletionQueue queue(worker, 4);
  ConnectionOffer mine;
  mine.data_address = mine.liveness_address = worker.address();
  mine.control = mine.heartbeats = slab.descriptor();
  const auto offers = exchange_offers(bootstrap, mine, test_deadline(), {});
  HeartbeatLink::Connection connection(worker, offers.at(0), slab, /*my_line=*/1, /*peer_line=*/1);
  throw_unless_ok(queue.ring(connection.outbound, kNoWord, 0));
  const Deadline deadline = test_deadline();
  Completion completion;
  while (queue.in_flight() > 0) {
    (void)queue.poll({&completion, 1});
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
