// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace runnel {

/// What the command line of `runnel run` says of the job.
struct RunOptions {
  int trainers = 0;    ///< 0: one for each core that is left
  int generators = 0;  ///< 0: as the settings say
  std::string config;  ///< a TOML file; empty: none
  std::vector<std::string> sets;
  std::string report;
  std::string trace;
};

/// The job that they make.
struct RunSettings {
  int trainers = 1;
  int generators = 1;
  std::vector<std::string> settings;  ///< `key=value`, of file and command line, all valid
};

/// Throws `ConfigError` as `load_config`, and 78 for keys of tables about which the user's program decides.
RunSettings run_settings(const RunOptions& options);

}  // namespace runnel
