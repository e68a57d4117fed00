// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_local.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "tests/support/pattern.h"
#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

using std::chrono::milliseconds;

constexpr int kRounds = 20;

/// Every rank gives a pattern of its own length, which the others check.
void exchange_rounds(Bootstrap& bootstrap) {
  for (int round = 0; round < kRounds; ++round) {
    const auto length = [&](int rank) { return static_cast<std::size_t>(rank * 70001 * (round % 3)); };
    const auto seed = [&](int rank) { return static_cast<std::uint64_t>(round * 100 + rank); };
    std::vector<std::byte> mine(length(bootstrap.rank()));
    fill_pattern(mine, seed(bootstrap.rank()));
    const auto all = bootstrap.all_gather(mine, test_deadline());
    ASSERT_EQ(all.size(), static_cast<std::size_t>(bootstrap.size()));
    for (int rank = 0; rank < bootstrap.size(); ++rank) {
      const auto& theirs = all[static_cast<std::size_t>(rank)];
      EXPECT_EQ(theirs.size(), length(rank));
      EXPECT_EQ(first_difference(theirs, seed(rank)), std::nullopt);
    }
    bootstrap.barrier(test_deadline());
  }
}

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
