// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/stall_watch.h"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <thread>

#include "runtime/launch/process_tree.h"

namespace runnel::test {
namespace {

using std::chrono::milliseconds;

/// A shell that stands in for mpirun, and what it starts for ranks.
class StandIn {
 public:
  explicit StandIn(const std::string& script) {
    std::string shell = "sh", option = "-c", text = script;
    std::array<char*, 4> argv = {shell.data(), option.data(), text.data(), nullptr};
    if (posix_spawnp(&pid_, "sh", nullptr, nullptr, argv.data(), environ) != 0) throw std::runtime_error("no shell");
  }
  ~StandIn() {
    kill_with_descendants(pid_);
    waitpid(pid_, nullptr, 0);
  }

  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

constexpr StallWatch::Limits kSoon{
    .without_ranks = milliseconds(300), .first_rank = milliseconds(600), .rank_stopped = milliseconds(300)};

/// What the watch finds within `looks`; empty: nothing.
std::string find(const StandIn& mpirun, int looks) {
  StallWatch watch(mpirun.pid(), kSoon);
  for (int i = 0; i < looks; ++i) {
    std::this_thread::sleep_for(milliseconds(60));
    if (const auto reason = watch.look()) return *reason;
  }
  return "";
}

constexpr int kEnough = 500;

TEST(StallWatchTest, FindsThatAllRanksHaveEnded) {
  EXPECT_EQ(find(StandIn("sleep 0 & exec sleep 1000"), kEnough), "all ranks have ended, but mpirun has not");
}

TEST(StallWatchTest, FindsThatNoRankIsStarted) {
  EXPECT_EQ(find(StandIn("exec sleep 1000"), kEnough), "mpirun has started no rank in time");
}

TEST(StallWatchTest, FindsARankThatIsStopped) {
  const std::string reason = find(StandIn("sh -c 'kill -STOP $$' & exec sleep 1000"), kEnough);
  EXPECT_NE(reason.find(" is stopped "), std::string::npos) << reason;
}

TEST(StallWatchTest, FindsNothingWhileARankLives) {
  EXPECT_EQ(find(StandIn("sleep 0 & sleep 1000 & exec sleep 1000"), 20), "");
}

}  // namespace
}  // namespace runnel::test
