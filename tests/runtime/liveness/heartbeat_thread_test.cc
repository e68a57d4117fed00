// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_thread.h"

#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <optional>

#include "tests/support/peer_process.h"
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
  const Introduction mine{.device = "cpu",
                          .runnel_version = "test",
                          .ucx_version = ucx_version(),
                          .layout_fingerprint = "",
                          .configuration = {}};
  return PeerGroup::introduce(bootstrap, mine, /*generators=*/1, test_deadline());
}

/// A process of a job that does nothing but exchange heartbeats.
class BeatingProcess {
 public:
  explicit BeatingProcess(Bootstrap& bootstrap) : group_(introduce(bootstrap)), context_(over_tcp()) {
    thread_.emplace(context_, group_,
                    HeartbeatMailbox::Callbacks{.on_stop = [this](const Stop& stop) { stop_.set_value(stop); },
                                                .on_overdue = [] {}});
    ConnectionOffer mine;
    thread_->add_to(mine);
    mine.data_address = mine.liveness_address;
    mine.control = mine.heartbeats;
    thread_->start(exchange_offers(bootstrap, mine, test_deadline(), {}));
    bootstrap.barrier(test_deadline());
  }

  /// Why the run has to stop, by this process's knowledge. Throws when that does not come by the deadline.
  Stop await_stop() {
    std::future<Stop> stop = stop_.get_future();
    if (stop.wait_for(test_deadline().remaining()) == std::future_status::timeout) {
      throw std::runtime_error("no reason to stop came in time");
    }
    return stop.get();
  }

 private:
  PeerGroup group_;
  Context context_;
  std::promise<Stop> stop_;
  std::optional<HeartbeatThread> thread_;
};

/// Expects to learn from rank 0 that rank 1 is silent.
RUNNEL_PEER(beating_trainer) {
  BeatingProcess process(bootstrap);
  const Stop stop = process.await_stop();
  EXPECT_EQ(stop.cause, StopCause::no_heartbeat);
  EXPECT_EQ(stop.rank, 1) << "a peer that beats was taken for lost";
  EXPECT_TRUE(stop.reported);
}

// What is sent to a stopped process over TCP never completes. It must not keep beats, or the news, from the others.
TEST(HeartbeatThreadTest, AStoppedPeerDoesNotKeepTheBeatsOfOthers) {
  PeerProcesses peers("beating_trainer", {}, /*count=*/3);
  BeatingProcess generator(peers.bootstrap());
  peers.signal(1, SIGSTOP);
  const Stop stop = generator.await_stop();
  EXPECT_EQ(stop.cause, StopCause::no_heartbeat);
  EXPECT_EQ(stop.rank, 1);
  EXPECT_FALSE(stop.reported);
  for (const int rank : {2, 3}) peers.join(rank);
  peers.signal(1, SIGKILL);  // its end would complete what is under way to it
}

}  // namespace
}  // namespace runnel::test
