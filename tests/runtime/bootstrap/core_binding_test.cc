// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/core_binding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace runnel {
namespace {

using testing::ElementsAre;

/// Each number below `below` in one of two cases, ascending.
std::vector<int> some_cores(std::mt19937& random, int below) {
  std::vector<int> cores;
  for (int core = 0; core < below; ++core) {
    if (random() % 2 == 0) cores.push_back(core);
  }
  return cores;
}

/// Whatever processes may use and need: what one gets it may use and no other one has, and it gets fewer than it needs
/// only when nothing is left.
TEST(DealCores, GivesEachProcessCoresOfItsOwn) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    std::vector<CoreNeed> ranks(1 + random() % 8);
    for (CoreNeed& need : ranks) {
      need = {.machine = std::to_string(random() % 2), .allowed = some_cores(random, 24), .threads = 1 + random() % 4};
    }
    const auto dealt = deal_cores(ranks);
    ASSERT_EQ(dealt.size(), ranks.size());
    std::set<std::pair<std::string, int>> taken;
    for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
      const CoreNeed& need = ranks[rank];
      EXPECT_TRUE(std::ranges::includes(need.allowed, dealt[rank]));
      EXPECT_LE(dealt[rank].size(), need.threads);
      for (const int core : dealt[rank]) EXPECT_TRUE(taken.emplace(need.machine, core).second) << "core " << core;
      if (dealt[rank].size() == need.threads) continue;
      for (const int core : need.allowed) EXPECT_TRUE(taken.contains({need.machine, core})) << "core " << core;
    }
  }
}

/// Processes that may use the same cores get them in the order of their ranks, without gaps.
TEST(DealCores, KeepsTheCoresOfAProcessTogether) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const std::vector<int> allowed = some_cores(random, 48);
    std::vector<CoreNeed> ranks(1 + random() % 8);
    std::size_t needed = 0;
    for (CoreNeed& need : ranks) {
      need = {.machine = "one", .allowed = allowed, .threads = 1 + random() % 4};
      needed += need.threads;
    }
    std::vector<int> in_order;
    for (const auto& cores : deal_cores(ranks)) in_order.insert(in_order.end(), cores.begin(), cores.end());
    const auto length = static_cast<std::ptrdiff_t>(std::min(needed, allowed.size()));
    EXPECT_EQ(in_order, std::vector<int>(allowed.begin(), allowed.begin() + length));
  }
}

TEST(DealCores, LeavesProcessesThatTheLauncherHasBoundWhereTheyAre) {
  EXPECT_THAT(deal_cores({{.machine = "one", .allowed = {4}}, {.machine = "one", .allowed = {2}}}),
              ElementsAre(ElementsAre(4), ElementsAre(2)));
}

}  // namespace
}  // namespace runnel
