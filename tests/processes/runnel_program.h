// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/processes/job.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"

namespace runnel::test {

/// The `runnel` program with a configuration and a data set that make a run of some tenths of a second on the CPU.
class RunnelProgram {
 public:
  /// 640 images to train with and 200 to test with, in batches of 16: 20 steps an epoch for 2 trainers.
  RunnelProgram();

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::string config() const { return folder_.path() / "small.toml"; }
  std::string report_file() const { return folder_.path() / "report.json"; }

  /// `runnel train CONFIG …`, with a report.
  std::vector<std::string> train(const std::vector<std::string>& more = {}) const;

  /// The same under `mpirun -n RANKS`.
  std::vector<std::string> mpirun(int ranks, const std::vector<std::string>& more = {}) const;

  /// Runs a command, expects success, and gives its report.
  nlohmann::json run(const std::vector<std::string>& argv) const;

  nlohmann::json report() const;

 private:
  TemporaryFolder folder_;
};

/// Options for a run that goes on until something ends it.
std::vector<std::string> endless();

std::vector<std::string> operator+(std::vector<std::string> first, const std::vector<std::string>& second);

}  // namespace runnel::test
