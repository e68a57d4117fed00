// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <csignal>
#include <string>
#include <vector>

namespace runnel {

/// A program to start, with all that it inherits.
struct ChildStart {
  std::vector<std::string> argv;         ///< argv[0] is looked up in PATH
  std::vector<std::string> environment;  ///< each as NAME=value
  int standard_input = 0;
  int standard_output = 1;
  int standard_error = 2;
  bool own_group = false;  ///< out of reach of the terminal's signals
  sigset_t mask = {};      ///< signals that it begins with blocked
};

/// Starts it; it is killed when this process ends. Returns its process id once it is the program. Throws `RunError`: 66
/// when there is no such program, 71 when the system refuses a process. Thread: one that lives as long as the process,
/// while there is no other.
pid_t start_child(const ChildStart& start);

}  // namespace runnel
