// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "trainer/command/run_settings.h"

namespace runnel {

/// `runnel run`: starts generators and copies of a program of the user's as trainers, on this machine and without MPI.
/// Thread: the main thread, while there is no other.
class RunCommand {
 public:
  static constexpr const char* kName = "run";
  static constexpr const char* kSummary = "Train with a Python script or a program of yours, on this machine";

  /// Adds the options to `command`, a command or a whole program, which parses into this object. Both outlive it.
  /// `name`: all that users type before the options.
  RunCommand(CLI::App& command, const std::string& name);
  RunCommand(const RunCommand&) = delete;
  RunCommand& operator=(const RunCommand&) = delete;

  /// Returns the exit status. Throws as `run_settings` and `run_local_processes`, and `RunError`: 64 without a program,
  /// or where mpirun or srun has started several of this process; 66 without the script.
  int run() const;

 private:
  std::vector<std::string> program() const;

  CLI::App& command_;
  RunOptions options_;
  std::string python_;
  bool no_prefix_ = false;
};

}  // namespace runnel
