// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace runnel {

/// `runnel checkpoints`: what a folder of checkpoints has; one of them as a file of weights. Thread: the main thread.
class CheckpointsCommand {
 public:
  static constexpr const char* kName = "checkpoints";

  /// Adds the command to `app`, which parses into this object. `app` outlives it.
  explicit CheckpointsCommand(CLI::App& app);
  CheckpointsCommand(const CheckpointsCommand&) = delete;
  CheckpointsCommand& operator=(const CheckpointsCommand&) = delete;

  /// Prints the list, or what was exported, and returns 0. Throws `RunError`: input_missing where the folder is
  /// missing; bad_data where nothing in it is good, after the list; `WriteError` when the export fails.
  int run() const;

  /// What the command line gave.
  struct Options {
    std::string directory;
    std::string export_file;  // empty: nothing is exported
    bool verify = false;
    bool best = false;
    bool json = false;
  };

 private:
  Options options_;
};

}  // namespace runnel
