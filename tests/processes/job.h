// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace runnel::test {

/// What to start.
struct Command {
  std::vector<std::string> argv = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< (name, value), on top of this process's own
  std::string terminal = {};  ///< name of the terminal to use, in place of /dev/null and a file
  bool unprivileged = false;  ///< as nobody without HOME, who may read every file: the build may lie below /root
};

/// A command that a test started, with all processes that came of it: they share a variable of their environment.
/// Everything that still runs is killed at the end, and when this process dies.
class Job {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Job(const Command& command);
  ~Job();

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// The process that was started first: the launcher.
  pid_t pid() const { return pid_; }

  /// All processes of the job that have not ended.
  std::vector<pid_t> processes() const;

  /// Waits for the process that mpirun started as `rank`.
  pid_t await_rank(int rank) const;

  /// What all processes have written so far, to standard output and standard error, unless that is a terminal.
  std::string output() const;

  /// Waits until `output` contains `text`; fails the test when the job ends before.
  void await_output(const std::string& text);

  /// Waits until the launcher has ended, and gives its status: 128 and the signal's number when one ended it. When it
  /// does not end in time the test fails, and the stacks of all processes are printed.
  int wait(std::chrono::seconds limit = std::chrono::seconds(60));

  /// Waits until no process of the job is left, the launcher included, and gives its status; fails as `wait`.
  int wait_for_all(std::chrono::seconds limit);

 private:
  bool ended();
  void await(const std::function<bool()>& condition, std::chrono::seconds limit, const std::string& what);

  TemporaryFolder folder_;
  std::string mark_;
  pid_t pid_ = 0;
  std::optional<int> status_;
};

/// Shared memory that no process has open any more, although nobody removed it: what a run must not leave.
class SharedMemoryGuard {
 public:
  /// Remembers what is there already.
  SharedMemoryGuard();

  /// Names of what was left since. Waits a moment for what other processes of this machine are just making.
  std::vector<std::string> left() const;

 private:
  std::vector<std::string> unused_now() const;

  std::vector<std::string> before_;
};

}  // namespace runnel::test
