// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/thread_team.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"

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

bool can_start_a_thread() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

/// Ends this process with the status of what a team of 256 threads throws when the system allows two helpers. The limit
/// counts the threads of a user, and root has none.
[[noreturn]] void start_a_team_with_too_few_threads() {
  constexpr uid_t kNobody = 65534;
  if (getuid() == 0 && setuid(kNobody) != 0) _exit(2);
  rlimit limit = {};
  if (getrlimit(RLIMIT_NPROC, &limit) != 0) _exit(3);
  limit.rlim_cur = 0;
  do {
    ++limit.rlim_cur;
    if (setrlimit(RLIMIT_NPROC, &limit) != 0) _exit(4);
  } while (!can_start_a_thread());
  ++limit.rlim_cur;
  if (setrlimit(RLIMIT_NPROC, &limit) != 0) _exit(5);
  try {
    ThreadTeam team(256);
  } catch (const RunError& error) {
    std::fputs(error.what(), stderr);
    _exit(exit_code(error));
  }
  _exit(0);
}

TEST(ThreadTeam, ReportsAHelperThatCannotStartAndEndsTheOthers) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(start_a_team_with_too_few_threads(), testing::ExitedWithCode(71),
              "cannot start a thread for generator.threads: .*ulimit -u is [0-9]+");
}

}  // namespace
}  // namespace runnel
