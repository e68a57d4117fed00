// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <csignal>
#include <vector>

/// Ctrl-Z of a shell, for a launcher and its ranks.
///
/// mpirun is in the launcher's process group, so that a terminal sees one foreground job, and may write to it under
/// `stty tostop`. Ranks are in groups of their own (Open MPI), which a terminal's signals do not reach.
namespace runnel {

/// The signals that suspend a job: from the terminal, by Ctrl-Z or when a job in the background uses it. Without those
/// that this process ignores.
sigset_t suspending_signals();

/// Blocks in mpirun, which is about to be started by this thread, what the launcher takes for the whole job: Ctrl-C,
/// Ctrl-\, Ctrl-Z and the terminal's end. Ranks start with nothing blocked (Open MPI).
void leave_terminal_signals_to_launcher();

/// Suspends mpirun with its ranks of this host, then this process, until a shell continues that (fg, bg); then
/// continues them all.
void suspend_with(pid_t mpirun);

/// The same with children that are processes of the job themselves.
void suspend_with(const std::vector<pid_t>& processes);

/// In a rank: counts the time for which `suspend_with` suspends this process as `SuspendedTime`.
void count_suspended_time();

}  // namespace runnel
