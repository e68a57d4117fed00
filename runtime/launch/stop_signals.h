// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <csignal>
#include <optional>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/launch/stop_cause.h"
#include "transport/owned_fd.h"

namespace runnel {

/// Whether SIGHUP ends this process: it does, like SIGTERM, unless it is ignored. It is under nohup in a program that
/// has called `restore_sighup` (sighup.h).
bool sighup_ends_process();

/// The signals that end a launcher, or a process that trains alone, with a line and a report; also what batch systems
/// send before a time limit, and Ctrl-\. Without SIGHUP where it is ignored. A SIGABRT that this process raises itself
/// still ends it at once.
sigset_t user_stop_signals();

/// The signals that end a run: SIGINT, SIGTERM, SIGHUP and SIGUSR1, and SIGALRM and SIGUSR2, in which a launcher says
/// that it got SIGINT, or another one. mpirun passes these two on at once, but makes of SIGINT a SIGTERM that comes a
/// second later.
///
/// Blocks them in the thread that makes it and in those that it starts later, for good: they would end the process in
/// any thread that takes them by default, and are for `StopSignals` to read.
struct BlockedStopSignals {
  BlockedStopSignals();
};

/// Reads the signals that `BlockedStopSignals` holds back. Several readers may exist: each signal goes to one of them.
/// Thread: any one.
class StopSignals {
 public:
  /// Throws `TransportError` when descriptors are short.
  StopSignals();

  /// Readable when `take` has something to give.
  int fd() const { return fd_.get(); }

  /// Why the run has to stop by the next signal, or nothing when none has come. Does not wait.
  std::optional<StopCause> take();

 private:
  OwnedFd fd_;
};

/// The signal that a cause stands for, of which `is_signal` holds: SIGINT, SIGUSR1, or SIGTERM for all others.
int signal_of(StopCause cause);

/// Throws the error to end with after `stop`, which a signal has caused: `RunError` with 130 or 143 and `outcome`;
/// `AlreadyReported` when another process reports it, `StoppedByLauncher` when that is the launcher.
[[noreturn]] void throw_stopped(const Stop& stop, const std::string& outcome = "the run ends without a result");

/// The signal by which `launch_ranks` passes on `stop_signal`, one of `user_stop_signals`.
int signal_to_ranks(int stop_signal);

}  // namespace runnel
