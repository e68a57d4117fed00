// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <vector>

namespace runnel {

/// What /proc knows of a process; all empty or '\0' once it is gone.
struct ProcessState {
  char letter = '\0';  ///< as in /proc/PID/stat: 'R' runs, 'T' stopped by a signal, 'Z' has ended and nobody has waited
  pid_t parent = 0;
};

ProcessState state_of(pid_t process);

/// Direct children, zombies included.
std::vector<pid_t> children_of(pid_t parent);

/// How many processes and threads the user of this process has, as the limit of processes counts them.
int tasks_of_user();

/// Kills `process` and all its descendants. A process is stopped before its children are listed, so that it starts no
/// more in the meantime.
void kill_with_descendants(pid_t process);

}  // namespace runnel
