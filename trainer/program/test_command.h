// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "trainer/program/job_options.h"
#include "trainer/run/registry.h"

namespace runnel {

/// `runnel test`: a test without training, in this process or as a job. Thread: the main thread.
class TestCommand {
 public:
  static constexpr const char* kName = "test";

  /// Adds the command to `app`, which parses into this object. Both outlive it.
  TestCommand(CLI::App& app, const Registry& registry);
  TestCommand(const TestCommand&) = delete;
  TestCommand& operator=(const TestCommand&) = delete;

  /// Returns the exit status. `arguments` are the program's own, for the ranks that it starts. Throws as
  /// `run_test_job`.
  int run(const std::vector<std::string>& arguments) const;

  /// What the command line gave.
  struct Options {
    JobOptions job;
    bool json = false;
  };

 private:
  const Registry& registry_;
  Options options_;
};

}  // namespace runnel
