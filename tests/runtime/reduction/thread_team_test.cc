// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/thread_team.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

namespace runnel {
namespace {

TEST(ThreadTeam, SharesEveryLoopWithoutGapsOrOverlap) {
  for (const std::size_t threads : {1, 2, 3, 8}) {
    ThreadTeam team(threads);
    for (std::size_t count = 0; count < 40; ++count) {
      std::mutex mutex;
      std::vector<std::pair<std::size_t, std::size_t>> parts;
      team.run(count, [&](std::size_t begin, std::size_t end) {
        const std::lock_guard lock(mutex);
        parts.emplace_back(begin, end);
      });
      std::sort(parts.begin(), parts.end());
      std::size_t covered = 0;
      for (const auto& [begin, end] : parts) {
        ASSERT_EQ(begin, covered);
        ASSERT_LE(end - begin, count / parts.size() + 1);
        covered = end;
      }
      ASSERT_EQ(covered, count);
    }
  }
}

// The first part to begin ends only when all others are done: a thread that is stopped keeps a small part from being
// done, and the other thread does the rest.
TEST(ThreadTeam, DoesNotWaitForAThreadThatIsStopped) {
  ThreadTeam team(2);
  constexpr std::size_t kCount = 100;
  std::atomic<bool> begun = false;
  std::atomic<std::size_t> done = 0;
  team.run(kCount, [&](std::size_t begin, std::size_t end) {
    const std::size_t mine = end - begin;
    if (!begun.exchange(true)) {
      EXPECT_LT(mine, kCount / 10);
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (done != kCount - mine && std::chrono::steady_clock::now() < until) std::this_thread::yield();
      EXPECT_EQ(done, kCount - mine);
    }
    done += mine;
  });
  EXPECT_EQ(done, kCount);
}

TEST(ThreadTeam, KeepsHelpersOffTheCallersCore) {
  cpu_set_t allowed;
  ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  if (CPU_COUNT(&allowed) < 2) GTEST_SKIP() << "SKIPPED, NOT TESTED: a helper needs another core";
  ThreadTeam team(2);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    ASSERT_EQ(sched_setaffinity(0, sizeof here, &here), 0);
    const std::thread::id caller = std::this_thread::get_id();
    std::atomic<int> helped_on = -1;
    team.run(100, [&](std::size_t, std::size_t) {
      if (std::this_thread::get_id() != caller) helped_on = sched_getcpu();
      const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (helped_on == -1 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    });
    EXPECT_NE(helped_on, -1);
    EXPECT_NE(helped_on, cpu);
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0);
}

TEST(ThreadTeam, ReturnsWhenAllPartsAreDone) {
  ThreadTeam team(3);
  std::vector<int> values(1000);
  for (int round = 1; round <= 500; ++round) {
    team.run(values.size(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) ++values[i];
    });
    ASSERT_EQ(std::count(values.begin(), values.end(), round), 1000);
  }
}

}  // namespace
}  // namespace runnel
