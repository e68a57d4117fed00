// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "trainer/program/job_options.h"
#include "trainer/run/registry.h"

namespace runnel {

/// `runnel train`: a rank of a job, the launcher of one, or training alone. Thread: the main thread.
class TrainCommand {
 public:
  static constexpr const char* kName = "train";

  /// Adds the command to `app`, which parses into this object. Both outlive it.
  TrainCommand(CLI::App& app, const Registry& registry);
  TrainCommand(const TrainCommand&) = delete;
  TrainCommand& operator=(const TrainCommand&) = delete;

  /// Examples and exit statuses, for the end of a help text of the program `name`.
  static std::string examples(const std::string& name);

  /// Returns the exit status. `arguments` are the program's own, for the ranks that it starts. Throws as
  /// `run_training_job`.
  int run(const std::vector<std::string>& arguments) const;

  /// What the command line gave.
  struct Options {
    JobOptions job;
    std::string report;
    std::string save;
    std::string trace;
    std::string checkpoint;
    std::string resume;
    int supervise = 0;  ///< how often the job is started again after a crash
    bool print_config = false;
    bool alone = false;
    bool dry_run = false;
  };

 private:
  const Registry& registry_;
  Options options_;
};

}  // namespace runnel
