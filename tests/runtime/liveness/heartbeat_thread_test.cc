// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_thread.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "runtime/liveness/heartbeat_word.h"
#include "tests/runtime/liveness/beating_process.h"

namespace runnel::test {
namespace {

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

/// Generator 1 of a job with two generators: exchanges a beat with the trainer, rank 2, stops that process, rings a
/// last word, and ends.
void fail_before_a_stopped_trainer(Bootstrap& bootstrap) {
  RawProcess process(bootstrap, /*generators=*/2, /*lines=*/3);
  bootstrap.barrier(test_deadline());
  const Peer& trainer = process.group.at(2);
  HeartbeatLink::Connection connection(process.worker, process.offers.at(2), process.slab, /*my_line=*/1,
                                       /*peer_line=*/2);
  const auto ring = [&](const HeartbeatWord& word) {
    throw_unless_ok(process.queue.ring(connection.outbound, word.encode(), 0));
  };
  ring({.state = HeartbeatWord::State::alive, .stop = {}, .counter = 1});
  const Deadline deadline = test_deadline();
  Completion completion;
  while (process.queue.in_flight() > 0 || connection.inbound.value() == 0) {
    (void)process.queue.poll({&completion, 1});
    ASSERT_FALSE(deadline.expired());
  }
  kill(trainer.pid, SIGSTOP);
  ring({.state = HeartbeatWord::State::stopping, .stop = {.cause = StopCause::own_error, .rank = 1}, .counter = 2});
  while (process.worker.progress()) {
  }
  std::_Exit(testing::Test::HasFailure() ? EXIT_FAILURE : EXIT_SUCCESS);  // without a close, as after a crash
}

RUNNEL_PEER(failing_generator) {
  if (bootstrap.rank() == 1) return fail_before_a_stopped_trainer(bootstrap);
  BeatingProcess trainer(bootstrap, /*generators=*/2);
  const Stop stop = trainer.await_stop();
  EXPECT_EQ(stop.rank, 1);
  EXPECT_TRUE(stop.reported) << "the end of a process that had reported why was taken for a loss";
}

// Over TCP the last word of a process that has ended may still wait in a socket when its end is noticed.
TEST(HeartbeatThreadTest, AWordThatHasArrivedCountsBeforeTheEndOfItsSender) {
  PeerProcesses peers("failing_generator", {}, /*count=*/2);
  BeatingProcess lead(peers.bootstrap(), /*generators=*/2);
  peers.join(1);
  peers.signal(2, SIGCONT);
  peers.join(2);
}

}  // namespace
}  // namespace runnel::test
