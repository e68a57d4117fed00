// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "trainer/run/registry.h"

namespace runnel {

/// `runnel doctor`: diagnoses the machines of a job. Thread: the main thread.
class DoctorCommand {
 public:
  static constexpr const char* kName = "doctor";

  /// Adds the command to `app`, which parses into this object. Both outlive it.
  DoctorCommand(CLI::App& app, const Registry& registry);
  DoctorCommand(const DoctorCommand&) = delete;
  DoctorCommand& operator=(const DoctorCommand&) = delete;

  /// Returns the exit status. `arguments` are the program's own, for the ranks that it starts. Throws as
  /// `diagnose_job`.
  int run(const std::vector<std::string>& arguments) const;

  /// What the command line gave.
  struct Options {
    std::string config;  // empty: all defaults
    int trainers = 0;    // 0: as the configuration says
    std::string hosts;
    std::vector<std::string> sets;
    bool json = false;
  };

 private:
  const Registry& registry_;
  Options options_;
};

}  // namespace runnel
