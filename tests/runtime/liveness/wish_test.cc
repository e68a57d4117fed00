// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "runtime/liveness/heartbeat_loop.h"
#include "runtime/liveness/liveness.h"
#include "tests/runtime/liveness/beating_process.h"

/// Signals during the steps of a run with checkpoints.
namespace runnel::test {
namespace {

using std::chrono::milliseconds;

constexpr EndPolicy kNoHurry = {.wish_grace = std::chrono::hours(1)};

/// Sends `signals` to itself, with a pause between them in which they would count as one; then waits for the end of the
/// run, which another process reports.
RUNNEL_PEER(trainer_with_signals) {
  const BlockedStopSignals blocked;
  BeatingProcess process(bootstrap, /*generators=*/1, kNoHurry);
  bool is_first = true;
  for (const std::string& signal : arguments) {
    if (!is_first) std::this_thread::sleep_for(HeartbeatLoop::kSameSignal + milliseconds(100));
    is_first = false;
    kill(getpid(), std::stoi(signal));
  }
  const Stop stop = process.await_stop();
  EXPECT_TRUE(is_signal(stop.cause));
}

std::vector<std::string> numbers(const std::vector<int>& signals) {
  std::vector<std::string> texts;
  for (const int signal : signals) texts.push_back(std::to_string(signal));
  return texts;
}

TEST(WishTest, ASignalAtATrainerIsAWishOfTheLeadWhichEndsTheRun) {
  for (const auto& [signal, cause] : {std::pair(SIGINT, StopCause::interrupted), {SIGTERM, StopCause::terminated}}) {
    PeerProcesses peers("trainer_with_signals", numbers({signal}), /*count=*/2);
    BeatingProcess lead(peers.bootstrap(), /*generators=*/1, kNoHurry);
    const Stop wish = lead.await_wish();
    EXPECT_EQ(wish.cause, cause);
    lead.thread().fail(wish.cause);
    peers.join();
  }
}

TEST(WishTest, AnAnnouncedLimitAsksForACheckpointAndTheRunGoesOn) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGUSR1, SIGUSR1, SIGINT}));
  BeatingProcess lead(peers.bootstrap(), /*generators=*/1, kNoHurry);
  EXPECT_EQ(lead.await_wish().cause, StopCause::announced);
  EXPECT_EQ(lead.await_wish().cause, StopCause::announced);
  EXPECT_EQ(lead.await_wish().cause, StopCause::interrupted);
  lead.thread().fail(StopCause::interrupted);
  peers.join();
}

TEST(WishTest, ASecondSignalEndsTheRunAtOnce) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGINT, SIGTERM}));
  BeatingProcess lead(peers.bootstrap(), /*generators=*/1, kNoHurry);
  EXPECT_EQ(lead.await_wish().cause, StopCause::interrupted);
  const Stop stop = lead.await_stop();
  EXPECT_EQ(stop.cause, StopCause::terminated);
  EXPECT_EQ(stop.rank, 1);
  EXPECT_TRUE(stop.reported);
  peers.join();
}

TEST(WishTest, UnderALauncherASigtermIsNoSecondSignal) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGTERM, SIGTERM, SIGINT}), /*count=*/1,
                      {{"RUNNEL_LAUNCHER", std::to_string(getppid())}});
  BeatingProcess lead(peers.bootstrap(), /*generators=*/1, kNoHurry);
  EXPECT_EQ(lead.await_wish().cause, StopCause::terminated);
  EXPECT_EQ(lead.await_stop().cause, StopCause::interrupted);
  peers.join();
}

TEST(WishTest, TheRunEndsWithoutTheLeadsMainThreadWhenTheGraceHasPassed) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGTERM}));
  BeatingProcess lead(peers.bootstrap(), /*generators=*/1, {.wish_grace = milliseconds(200)});
  EXPECT_EQ(lead.await_wish().cause, StopCause::terminated);
  const Stop stop = lead.await_stop();
  EXPECT_EQ(stop.cause, StopCause::terminated);
  EXPECT_FALSE(stop.reported) << "nobody reports it";
  peers.join();
}

TEST(WishTest, ASignalEndsTheRunAtOnceWhereTheLeadMakesNoSteps) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGINT}));
  BeatingProcess lead(peers.bootstrap());
  const Stop stop = lead.await_stop();
  EXPECT_EQ(stop.cause, StopCause::interrupted);
  EXPECT_FALSE(stop.reported) << "nobody reports it";
  peers.join();
}

TEST(WishTest, AWishThatNobodyHasGrantedEndsTheRunAfterTheSteps) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGINT}));
  BeatingProcess lead(peers.bootstrap(), /*generators=*/1, kNoHurry);
  EXPECT_EQ(lead.await_wish().cause, StopCause::interrupted);
  lead.thread().take_wishes(false);
  EXPECT_EQ(lead.await_stop().cause, StopCause::interrupted);
  peers.join();
}

/// What the main thread of the lead does with a wish.
TEST(WishTest, TheLeadEndsTheRunWithALine) {
  PeerProcesses peers("trainer_with_signals", numbers({SIGUSR1, SIGINT}));
  const PeerGroup group = introduce(peers.bootstrap());
  Context context(over_tcp());
  Liveness liveness(context, group, {}, kNoHurry);
  ConnectionOffer mine;
  liveness.add_to(mine);
  mine.data_address = mine.liveness_address;
  mine.control = mine.heartbeats;
  liveness.start(exchange_offers(peers.bootstrap(), mine, test_deadline(), {}));
  liveness.begin_steps();
  peers.bootstrap().barrier(test_deadline());
  const auto await = [&](Wish expected) {
    const Deadline deadline = test_deadline();
    Wish wish = Wish::none;
    while ((wish = liveness.take_wish()) == Wish::none && !deadline.expired()) std::this_thread::yield();
    EXPECT_EQ(wish, expected);
  };
  await(Wish::checkpoint);
  await(Wish::end);
  EXPECT_EQ(liveness.take_wish(), Wish::end) << "it is given again and again";
  EXPECT_FALSE(liveness.stopping());
  try {
    liveness.end_as_wished("step 40 is saved");
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::interrupted);
    EXPECT_STREQ(error.what(), "interrupted by SIGINT; step 40 is saved");
  }
  peers.join();
}

}  // namespace
}  // namespace runnel::test
