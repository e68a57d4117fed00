// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/bootstrap_relay.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/bootstrap/exchange_rounds.h"
#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

constexpr int kGenerators = 2;
constexpr int kTrainers = 3;

/// A trainer; the first one also meets the generators. `count`: of generators, as it believes.
void be_trainer(const LocalPlace& trainers, const LocalPlace& generators, int count = kGenerators) {
  auto local = trainers.rank == 0 ? std::make_unique<LocalBootstrap>(generators, test_deadline()) : nullptr;
  RelayHost host(std::make_unique<LocalBootstrap>(trainers, test_deadline()), std::move(local), count);
  EXPECT_EQ(host.rank(), count + trainers.rank);
  EXPECT_EQ(host.size(), count + kTrainers);
  exchange_rounds(host);
}

TEST(RelayTest, GathersFromTrainersAndGenerators) {
  const LocalPlace trainers = LocalPlace::fresh(kTrainers);
  const LocalPlace generators = LocalPlace::fresh(1 + kGenerators);
  std::vector<std::jthread> ranks;
  for (int i = 0; i < kTrainers; ++i) ranks.emplace_back([&, i] { be_trainer(trainers.with_rank(i), generators); });
  for (int i = 0; i < kGenerators; ++i) {
    ranks.emplace_back([&, i] {
      RelayGuest guest(generators.with_rank(1 + i), kTrainers, test_deadline());
      EXPECT_EQ(guest.rank(), i);
      EXPECT_EQ(guest.size(), kGenerators + kTrainers);
      exchange_rounds(guest);
    });
  }
}

TEST(RelayTest, AnotherNumberOfGeneratorsIsAnError) {
  const LocalPlace trainers = LocalPlace::fresh(2);
  const LocalPlace generators = LocalPlace::fresh(2);
  std::vector<std::jthread> ranks;
  ranks.emplace_back([&] {
    RelayHost first(std::make_unique<LocalBootstrap>(trainers.with_rank(0), test_deadline()),
                    std::make_unique<LocalBootstrap>(generators.with_rank(0), test_deadline()), 1);
    first.barrier(test_deadline());
  });
  ranks.emplace_back([&] {
    RelayGuest guest(generators.with_rank(1), 2, test_deadline());
    guest.barrier(test_deadline());
  });
  RelayHost second(std::make_unique<LocalBootstrap>(trainers.with_rank(1), test_deadline()), nullptr, 2);
  try {
    second.barrier(test_deadline());
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_NE(std::string(error.what()).find("the same number of generators"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace runnel::test
