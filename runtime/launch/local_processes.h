// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace runnel {

/// A process of a job on this machine, before it is started.
struct LocalProcess {
  std::string name;                      ///< for messages: "trainer 2"
  std::vector<std::string> argv;         ///< argv[0] is looked up in PATH
  std::vector<std::string> environment;  ///< each as NAME=value
  bool is_trainer = false;               ///< a program of the user's, else a generator
};

/// How many ranks have come to the first generator and wait there; nothing while it does not listen.
using RanksWaiting = std::function<std::optional<int>()>;

/// Starts `processes`, waits until all have ended and gives the exit status of the whole: 0 when all have succeeded,
/// else that of the first process that failed, 128 and the signal's number where one ended it. A loss of a peer (69)
/// counts only where nothing else has failed.
///
/// Each line that they write comes out here, after "[trainer 2] " with `prefix_lines`; without it trainers have the
/// outputs of this process themselves. The first trainer has its standard input. After a failure the others may report
/// it, then are ended. Signals that stop or suspend this process are passed on.
///
/// Throws `RunError` with that status where a line is still to be written about it; 130 and 143 after a signal that
/// ended the run; 66 and 71 as `start_child`; 69 when a trainer has ended before all had joined; 74 when an output
/// cannot be written. Thread: the main thread, while there is no other.
int run_local_processes(const std::vector<LocalProcess>& processes, const RanksWaiting& ranks_waiting,
                        bool prefix_lines);

}  // namespace runnel
