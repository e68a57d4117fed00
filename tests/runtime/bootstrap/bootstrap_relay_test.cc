// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_relay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/bootstrap/exchange_rounds.h"
#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

TEST(RelayTest, DealsGeneratorsToHostsRoundByRound) {
  const std::vector<std::string> hosts = {"b", "b", "a", "b", "c", "a"};
  EXPECT_EQ(deal_generators(hosts, 1), std::vector<int>({0}));
  EXPECT_EQ(deal_generators(hosts, 5), std::vector<int>({0, 2, 4, 0, 2}));
  EXPECT_EQ(deal_generators({"a", "a"}, 3), std::vector<int>({0, 0, 0}));
}

/// A job whose generators `keepers` keep, each with a group of its own.
void run_relayed(int trainers, const std::vector<int>& keepers) {
  const LocalPlace all = LocalPlace::fresh(trainers);
  const int generators = static_cast<int>(keepers.size());
  std::vector<std::jthread> ranks;
  for (int trainer = 0; trainer < trainers; ++trainer) {
    const auto kept = static_cast<int>(std::ranges::count(keepers, trainer));
    const LocalPlace own = LocalPlace::fresh(1 + kept);
    ranks.emplace_back([=] {
      auto meeting = kept > 0 ? std::make_unique<LocalBootstrap>(own, test_deadline()) : nullptr;
      RelayHost host(std::make_unique<LocalBootstrap>(all.with_rank(trainer), test_deadline()), std::move(meeting),
                     keepers);
      EXPECT_EQ(host.rank(), generators + trainer);
      EXPECT_EQ(host.size(), generators + trainers);
      exchange_rounds(host);
    });
    for (int generator = 0, rank = 1; generator < generators; ++generator) {
      if (keepers[static_cast<std::size_t>(generator)] != trainer) continue;
      ranks.emplace_back([=] {
        RelayGuest guest(own.with_rank(rank), generator, generators + trainers, test_deadline());
        EXPECT_EQ(guest.rank(), generator);
        EXPECT_EQ(guest.size(), generators + trainers);
        exchange_rounds(guest);
      });
      ++rank;
    }
  }
}

TEST(RelayTest, GathersFromTrainersAndGenerators) {
  run_relayed(3, {0, 0});
}

TEST(RelayTest, GathersFromGeneratorsOfSeveralHosts) {
  run_relayed(4, {0, 2, 3, 0, 2});
}

TEST(RelayTest, AnotherNumberOfGeneratorsIsAnError) {
  const LocalPlace trainers = LocalPlace::fresh(2);
  const LocalPlace generators = LocalPlace::fresh(2);
  std::vector<std::jthread> ranks;
  ranks.emplace_back([&] {
    RelayHost first(std::make_unique<LocalBootstrap>(trainers.with_rank(0), test_deadline()),
                    std::make_unique<LocalBootstrap>(generators.with_rank(0), test_deadline()), {0});
    first.barrier(test_deadline());
  });
  ranks.emplace_back([&] {
    RelayGuest guest(generators.with_rank(1), 0, 3, test_deadline());
    guest.barrier(test_deadline());
  });
  RelayHost second(std::make_unique<LocalBootstrap>(trainers.with_rank(1), test_deadline()), nullptr, {0, 0});
  try {
    second.barrier(test_deadline());
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("the same number of generators"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace runnel::test
