// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/protocol/seat_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>
#include <vector>

#include "runtime/reduction/sum_tree.h"

namespace runnel {
namespace {

using testing::ElementsAre;

TEST(SeatTree, DealsOneSeatEachToAsManyMembers) {
  for (const std::size_t seats : {1, 2, 3, 7, 8, 1023, 1024}) {
    const auto shares = deal_seats(seats, seats);
    ASSERT_EQ(shares.size(), seats);
    for (std::size_t i = 0; i < seats; ++i) EXPECT_EQ(shares[i], (SeatRange{i, 1}));
  }
}

TEST(SeatTree, SplitsTheLargestShareAndOfSeveralTheLast) {
  EXPECT_THAT(deal_seats(4, 3), ElementsAre(SeatRange{0, 2}, SeatRange{2, 1}, SeatRange{3, 1}));
  EXPECT_THAT(deal_seats(8, 3), ElementsAre(SeatRange{0, 4}, SeatRange{4, 2}, SeatRange{6, 2}));
  EXPECT_THAT(deal_seats(5, 2), ElementsAre(SeatRange{0, 4}, SeatRange{4, 1}));
  EXPECT_THAT(deal_seats(6, 2), ElementsAre(SeatRange{0, 4}, SeatRange{4, 2}));
  EXPECT_THAT(deal_seats(7, 1), ElementsAre(SeatRange{0, 7}));
}

/// All subtrees of the tree, by its definition.
void collect(SeatRange seats, std::set<std::pair<std::size_t, std::size_t>>& all) {
  all.emplace(seats.first, seats.count);
  if (seats.count == 1) return;
  std::size_t left = 1;
  while (2 * left < seats.count) left *= 2;
  collect({seats.first, left}, all);
  collect({seats.first + left, seats.count - left}, all);
}

TEST(SeatTree, SharesAreCompleteSubtreesThatFollowEachOther) {
  for (std::size_t seats = 1; seats <= 40; ++seats) {
    std::set<std::pair<std::size_t, std::size_t>> subtrees;
    collect({.first = 0, .count = seats}, subtrees);
    for (std::size_t members = 1; members <= seats; ++members) {
      std::size_t next = 0;
      for (const SeatRange& share : deal_seats(seats, members)) {
        EXPECT_EQ(share.first, next);
        EXPECT_TRUE(subtrees.contains({share.first, share.count})) << seats << " seats, " << members << " members";
        next += share.count;
      }
      EXPECT_EQ(next, seats);
    }
  }
}

TEST(SumTree, JoinsPairsAndWhatIsLeftOnTheRight) {
  const auto joins = [](std::size_t seats, std::size_t members) {
    const SumTree tree(deal_seats(seats, members));
    return std::vector<int>(tree.joins().begin(), tree.joins().end());
  };
  EXPECT_THAT(joins(1, 1), ElementsAre(0));
  EXPECT_THAT(joins(3, 3), ElementsAre(0, 1, 1));     // (0 + 1) + 2
  EXPECT_THAT(joins(4, 4), ElementsAre(0, 1, 0, 2));  // (0 + 1) + (2 + 3)
  EXPECT_THAT(joins(4, 3), ElementsAre(0, 0, 2));     // 01 + (2 + 3)
  EXPECT_THAT(joins(7, 7), ElementsAre(0, 1, 0, 2, 0, 1, 2));
}

TEST(SumTree, NeverHasMoreWaitingThanThereIsRoomFor) {
  for (const std::size_t seats : {1000, 1023, 1024}) {
    for (std::size_t members = 1; members <= seats; members += 31) {
      const SumTree tree(deal_seats(seats, members));
      std::size_t waiting = 0;
      std::size_t most = 0;
      for (const std::size_t joins : tree.joins()) {
        most = std::max(most, ++waiting);
        ASSERT_LT(joins, waiting);
        waiting -= joins;
      }
      EXPECT_EQ(waiting, 1U);
      EXPECT_LE(most, SumTree::kMaxWaiting);
    }
  }
}

}  // namespace
}  // namespace runnel
