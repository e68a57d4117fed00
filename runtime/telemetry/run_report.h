// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/config/config.h"
#include "runtime/telemetry/quantiles.h"

namespace runnel {

/// A run's set-up, results and times: the contents of `--report FILE`. Filled by a `RunAccount`.
struct RunReport {
  struct Software {
    std::string version;
    std::string commit;
    std::string ucx;
    std::string torch;
    std::string mpi;  ///< empty without MPI
  };
  struct Process {
    int rank = 0;
    std::string role;  ///< "generator" or "trainer"
    std::string host;
    std::int64_t pid = 0;
    std::string device;
  };
  struct Path {
    int trainer = 0;    ///< trainer index
    int generator = 0;  ///< rank
    std::string path;   ///< "mapped", "one-sided" or "emulated"
    std::vector<std::string> transports;
    std::string reason;
  };
  struct Metric {
    std::string name;
    double value = 0;
    double sum = 0;          ///< over the test set, that the value follows from
    std::int64_t count = 0;  ///< of what the sum is over
  };
  struct Test {
    double loss = 0;
    std::int64_t samples = 0;
    std::vector<Metric> metrics;
  };
  struct Seconds {
    double start = 0;
    double mpi_init = 0;
    double bootstrap = 0;
    double data = 0;
    double train = 0;
    double test = 0;
    double total = 0;
    double earlier_starts = 0;  ///< of a resumed run, until the checkpoint that it goes on from
  };
  struct Lost {
    int rank = 0;
    std::int64_t step = 0;
    std::string cause;
  };

  Software software;
  Config config;
  std::vector<Process> processes;
  std::vector<Path> paths;
  std::int64_t starts = 1;        ///< of the run, this one included
  std::int64_t resumed_from = 0;  ///< step of the checkpoint that it goes on from; 0: none
  std::int64_t steps = 0;         ///< of all starts
  std::int64_t gradients = 0;
  std::int64_t epochs = 0;
  Seconds seconds;
  Quantiles step_ms;
  Quantiles data_ms;
  Quantiles exchange_ms;
  Quantiles exposed_ms;
  Quantiles checkpoint_ms;          ///< of a checkpoint, from the copy until all is on the disk
  Quantiles checkpoint_exposed_ms;  ///< by which a checkpoint made a step longer
  double samples_per_second = 0;
  struct {
    std::uint64_t gradient = 0, parameter = 0, staged = 0;
  } bytes;
  Test test;
  std::vector<std::pair<std::int64_t, double>> loss;  ///< (step, mean loss over its gradients)
  std::string parameters_sha256;
  std::vector<Lost> lost;
  int exit = 0;
};

/// The report as JSON, with keys in the order of the members above. A number that is not finite becomes null.
std::string to_json(const RunReport& report);

/// A report's member `test`, as a JSON text.
std::string test_json(const RunReport::Test& test);

/// Checks before the run that the files it ends with, run.report, run.save and run.trace, can be written. Throws
/// `RunError` (bad_configuration) for two names of one file, also by a symbolic link, and `WriteError` for a file that
/// cannot be created or replaced.
void require_writable_outputs(const RunConfig& run);

/// Writes the report so that `file` holds either its old contents or the whole report. Throws `WriteError`.
void write_report(const RunReport& report, const std::filesystem::path& file);

}  // namespace runnel
