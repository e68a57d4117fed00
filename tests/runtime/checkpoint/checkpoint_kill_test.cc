// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_folder.h"
#include "runtime/checkpoint/checkpoint_list.h"
#include "tests/support/scoped_environment.h"
#include "tests/support/temporary_folder.h"

// A run that is killed while it writes checkpoints: at each call of the C library that changes a file.
namespace runnel {
namespace {

namespace fs = std::filesystem;
using test::ScopedEnvironment;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

/// small_run, which writes checkpoints in `directory`; dies with this object.
class SmallRun {
 public:
  SmallRun(const fs::path& directory, const fs::path& output, const std::string& last, const char* way = nullptr) {
    const std::string directory_text = directory;
    const std::array argv = {const_cast<char*>(RUNNEL_SMALL_RUN), const_cast<char*>(directory_text.c_str()),
                             const_cast<char*>(last.c_str()), const_cast<char*>(way), static_cast<char*>(nullptr)};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    EXPECT_EQ(posix_spawn(&pid_, RUNNEL_SMALL_RUN, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  ~SmallRun() {
    if (pid_ != 0) end();
  }
  SmallRun(const SmallRun&) = delete;
  SmallRun& operator=(const SmallRun&) = delete;

  pid_t pid() const { return pid_; }

  /// Its status, or minus the signal that ended it.
  int wait() {
    int status = 0;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

  void end() {
    kill(pid_, SIGKILL);
    wait();
  }

 private:
  pid_t pid_ = 0;
};

class CheckpointKillTest : public testing::TestWithParam<bool> {
 protected:
  /// The last line that the run printed: the step of its newest finished checkpoint; 0 when there is none.
  std::int64_t last_finished() const {
    std::ifstream lines(output_);
    std::int64_t last = 0;
    for (std::int64_t step = 0; lines >> step;) last = step;
    return last;
  }

  std::set<std::string> contents() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      names.insert(entry.path().lexically_relative(directory_).string());
    }
    return names;
  }

  enum class Outcome { was_not_killed, kept_what_was_finished, lost_a_checkpoint };

  /// Kills a run of three steps at call `call`.
  Outcome kill_at(int call, const char* way = nullptr) const {
    fs::remove_all(directory_);
    const ScopedEnvironment preload("LD_PRELOAD", RUNNEL_KILL_AT_CALL);
    const ScopedEnvironment kill_at("RUNNEL_TEST_KILL_AT", std::to_string(call));
    const int status = SmallRun(directory_, output_, "3", way).wait();
    if (status == 0) return Outcome::was_not_killed;
    EXPECT_EQ(status, -SIGKILL);
    const auto newest = newest_good(directory_).checkpoint;
    const std::int64_t found = newest ? newest->manifest().step : 0, finished = last_finished();
    // It may have been killed before it could print the step.
    return found == finished || found == finished + 1 ? Outcome::kept_what_was_finished : Outcome::lost_a_checkpoint;
  }

  /// Another run goes on from what was left.
  void go_on() const {
    EXPECT_EQ(SmallRun(directory_, output_, "5").wait(), 0);
    EXPECT_EQ(newest_good(directory_).checkpoint->manifest().step, 5);
    EXPECT_THAT(contents(), ElementsAre("lock", "step-4", "step-4/manifest.json", "step-4/shard-0-of-2.safetensors",
                                        "step-4/shard-1-of-2.safetensors", "step-5", "step-5/manifest.json",
                                        "step-5/shard-0-of-2.safetensors", "step-5/shard-1-of-2.safetensors"));
  }

  TemporaryFolder temporary_;
  fs::path directory_ = temporary_.path() / "ckpt";
  fs::path output_ = temporary_.path() / "output";
};

/// Whether a write is made by half before.
INSTANTIATE_TEST_SUITE_P(Writes, CheckpointKillTest, testing::Bool());

TEST_P(CheckpointKillTest, LeavesTheNewestFinishedOneAndAFolderToGoOnWith) {
  std::optional<ScopedEnvironment> half;
  if (GetParam()) half.emplace("RUNNEL_TEST_KILL_HALF", "1");
  int call = 1;
  for (; kill_at(call) == Outcome::kept_what_was_finished; ++call) {
    go_on();
    if (HasFailure()) FAIL() << "killed at call " << call;
  }
  ASSERT_EQ(kill_at(call), Outcome::was_not_killed) << "killed at call " << call;
  // Each of the files is made, written, synced and named, and so are the folders.
  EXPECT_GT(call, 100) << "calls: the library that counts them was not loaded";
}

TEST_F(CheckpointKillTest, FindsACheckpointThatIsRemovedTooEarly) {
  int call = 1;
  while (kill_at(call, "careless") == Outcome::kept_what_was_finished) ++call;
  EXPECT_EQ(kill_at(call, "careless"), Outcome::lost_a_checkpoint);
}

TEST_F(CheckpointKillTest, EndsTheLockOfTheFolder) {
  SmallRun holder(directory_, output_, "0", "hold");
  const auto is_held = [&] { return test::read_bytes(output_).size() >= 5; };
  while (!is_held()) usleep(1000);
  try {
    const CheckpointFolder second(directory_);
    ADD_FAILURE() << "two runs in one folder";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::in_use);
    EXPECT_THAT(error.what(), HasSubstr("process " + std::to_string(holder.pid())));
  }
  EXPECT_EQ(SmallRun(directory_, temporary_.path() / "other", "1").wait(), 75);
  holder.end();
  const CheckpointFolder next(directory_);
}

}  // namespace
}  // namespace runnel
