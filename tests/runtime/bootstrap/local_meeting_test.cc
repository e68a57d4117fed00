// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/local_meeting.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/support/peer_process.h"

namespace runnel::test {
namespace {

void await_ranks(const LocalPlace& place, std::optional<int> expected) {
  const Deadline deadline = test_deadline();
  while (ranks_waiting(place) != expected) {
    ASSERT_FALSE(deadline.expired()) << "still " << ranks_waiting(place).value_or(-1);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(LocalMeetingTest, CountsWhoWaitsUntilAllHaveCome) {
  const LocalPlace place = LocalPlace::fresh(3);
  EXPECT_EQ(ranks_waiting(place), std::nullopt) << "nobody listens";
  const auto come = [&](int rank) {
    return std::thread([&, rank] { LocalBootstrap(place.with_rank(rank), test_deadline()).barrier(test_deadline()); });
  };
  std::thread lead = come(0);
  await_ranks(place, 0);
  std::thread first = come(2);
  await_ranks(place, 1);
  std::thread last = come(1);
  await_ranks(place, std::nullopt);
  for (std::thread* thread : {&lead, &first, &last}) thread->join();
}

}  // namespace
}  // namespace runnel::test
