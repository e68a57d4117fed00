// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap_local.h"
#include "transport/deadline.h"

namespace runnel::test {

/// How long the two sides of a test wait for each other; far above what any step takes, below CTest's own limit.
Deadline test_deadline();

/// Writes the stacks of all threads of `pid` to standard error, by gdb.
void print_stacks(pid_t pid);

/// What a peer process runs: its end of the bootstrap and the arguments of its PeerProcesses. An exception, or a
/// failed EXPECT, makes the process exit with 1.
using PeerFunction = void (*)(Bootstrap& bootstrap, const std::vector<std::string>& arguments);

/// Makes `function` available as a peer process under `name`. Used through RUNNEL_PEER.
bool register_peer(const std::string& name, PeerFunction function);

/// Runs this process's peer function when PeerProcesses started it as a peer and returns its exit status; nothing
/// otherwise. Called by the tests' main.
std::optional<int> run_as_peer();

/// Real processes, started by exec of this test program, that run a registered peer function; and this process's own
/// end of the bootstrap with them, as rank 0. They die with this process.
class PeerProcesses {
 public:
  /// Starts `count` peers (ranks 1 to `count`). `environment`: (name, value) for them alone.
  PeerProcesses(const std::string& function, const std::vector<std::string>& arguments, int count = 1,
                const std::vector<std::pair<std::string, std::string>>& environment = {});

  /// Joins what has not been joined.
  ~PeerProcesses();

  PeerProcesses(const PeerProcesses&) = delete;
  PeerProcesses& operator=(const PeerProcesses&) = delete;

  Bootstrap& bootstrap() { return *bootstrap_; }

  /// Sends `signal` to `rank`; after SIGKILL also waits for its end, and expects no success of it.
  void signal(int rank, int signal);

  /// Waits for all peers, and fails the test when one does not end with 0. One that does not end by the deadline has
  /// its stacks printed and is killed.
  void join();

  /// The same for the peer `rank` alone.
  void join(int rank) { join(rank, test_deadline()); }

 private:
  void join(int rank, const Deadline& deadline);

  std::vector<pid_t> pids_;  // by rank - 1; 0 once it has ended
  std::optional<LocalBootstrap> bootstrap_;
};

}  // namespace runnel::test

/// Defines and registers a peer function: RUNNEL_PEER(name) { … uses bootstrap and arguments … }
#define RUNNEL_PEER(name)                                                                                      \
  static void name##_peer(runnel::Bootstrap& bootstrap, const std::vector<std::string>& arguments);            \
  [[maybe_unused]] static const bool name##_peer_registered = runnel::test::register_peer(#name, name##_peer); \
  static void name##_peer([[maybe_unused]] runnel::Bootstrap& bootstrap,                                       \
                          [[maybe_unused]] const std::vector<std::string>& arguments)
