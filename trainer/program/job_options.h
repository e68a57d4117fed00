// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "trainer/run/registry.h"

namespace runnel {

/// The job that a command line describes: a configuration, and what overrides it.
struct JobOptions {
  std::string config;
  int trainers = 0;  ///< 0: as the configuration says
  std::vector<std::string> sets;
};

/// Adds CONFIG, -n and --set to `command`, which parses into `options`. Returns -n.
CLI::Option* add_job_options(CLI::App& command, JobOptions& options);

/// The configuration of these options and of `more`, further KEY=VALUE. Notices are logged once a job. Throws
/// `RunError`: as `load_config` and `require_same_count`.
Config load_job_config(const JobOptions& options, const Registry& registry, const std::optional<LaunchPlace>& place,
                       const std::vector<std::string>& more);

/// The names that the configuration can choose from, for the end of a help text.
std::string choices_text(const Registry& registry);

}  // namespace runnel
