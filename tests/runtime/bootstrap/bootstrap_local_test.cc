// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_local.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "tests/runtime/bootstrap/exchange_rounds.h"
#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

using std::chrono::milliseconds;

RUNNEL_PEER(exchanger) {
  exchange_rounds(bootstrap);
}

TEST(LocalBootstrapTest, GathersFromAllRanks) {
  PeerProcesses peers("exchanger", {}, 4);
  EXPECT_EQ(peers.bootstrap().rank(), 0);
  EXPECT_EQ(peers.bootstrap().size(), 5);
  exchange_rounds(peers.bootstrap());
}

RUNNEL_PEER(sleeper) {
  std::this_thread::sleep_for(std::chrono::seconds(30));
}

/// What `function` throws as a BootstrapError; "" when it does not.
std::string error_of(auto&& function) {
  try {
    function();
    return "";
  } catch (const BootstrapError& error) {
    return error.what();
  }
}

TEST(LocalBootstrapTest, NamesTheRankThatDied) {
  PeerProcesses peers("sleeper", {}, 2);
  peers.signal(1, SIGKILL);
  const auto error = error_of([&] { peers.bootstrap().barrier(test_deadline()); });
  EXPECT_NE(error.find("rank 1 is gone"), std::string::npos) << error;
  peers.signal(2, SIGKILL);
}

TEST(LocalBootstrapTest, DoesSomethingWhileOthersHaveNotCome) {
  for (const int rank : {0, 1}) {
    int calls = 0;
    const auto meanwhile = [&] {
      if (++calls == 5) throw BootstrapError("enough");
    };
    const LocalPlace place = LocalPlace::fresh(2).with_rank(rank);
    EXPECT_EQ(error_of([&] { LocalBootstrap(place, test_deadline(), meanwhile); }), "enough") << "rank " << rank;
  }
}

TEST(LocalBootstrapTest, NamesTheRankThatIsLateAndDoesSomethingMeanwhile) {
  PeerProcesses peers("sleeper", {}, 1);
  int calls = 0;
  const auto error = error_of([&] { peers.bootstrap().barrier(Deadline::after(milliseconds(200)), [&] { ++calls; }); });
  EXPECT_NE(error.find("rank 1"), std::string::npos) << error;
  EXPECT_GT(calls, 5);
  peers.signal(1, SIGKILL);
}

TEST(LocalBootstrapTest, NamesEveryRankThatDidNotCome) {
  const LocalPlace place = LocalPlace::fresh(3);
  const auto root = error_of([&] { LocalBootstrap(place, Deadline::after(milliseconds(100))); });
  EXPECT_NE(root.find("rank 1, rank 2"), std::string::npos) << root;
  const auto other = error_of([&] { LocalBootstrap(place.with_rank(1), Deadline::after(milliseconds(100))); });
  EXPECT_NE(other.find("rank 0"), std::string::npos) << other;
}

TEST(LocalBootstrapTest, RefusesAPlaceOutsideItsGroup) {
  const LocalPlace place = LocalPlace::fresh(2);
  EXPECT_NE(error_of([&] { LocalBootstrap(place.with_rank(2), test_deadline()); }), "");
  EXPECT_NE(LocalPlace::fresh(2).socket, place.socket);
}

TEST(StartProcessTest, SaysWhatItCannotStart) {
  const auto error = error_of([] { start_process(LocalPlace::fresh(1), {"/no/such/program"}); });
  EXPECT_NE(error.find("/no/such/program"), std::string::npos) << error;
}

}  // namespace
}  // namespace runnel::test
