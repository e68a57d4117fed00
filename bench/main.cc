// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "bench/job.h"
#include "runtime/host.h"
#include "runtime/launcher.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

std::optional<MpiBootstrap> the_job;

/// Rank 0 reports; the others take part.
class SilentReporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& /*runs*/) override {}
};

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return static_cast<int>(ExitStatus::usage);
  if (!LaunchPlace::from_environment()) {
    throw RunError(ExitStatus::usage, "start it with mpirun: mpirun -n 3 runnel-bench measures two trainers");
  }
  // MPI as fast as it can be: the peer that it is here, not the bootstrap that it is elsewhere.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "cma", 0);
  the_job.emplace(Deadline::after(std::chrono::seconds(30)));
  benchmark::AddCustomContext("host", Host::local().name);
  benchmark::AddCustomContext("ucx", ucx_version());
  benchmark::AddCustomContext("mpi", MpiBootstrap::library_version());
  SilentReporter silent;
  if (the_job->rank() == 0) {
    benchmark::RunSpecifiedBenchmarks();
  } else {
    benchmark::RunSpecifiedBenchmarks(&silent);
  }
  the_job->finalize();
  return 0;
}

}  // namespace

MpiBootstrap& job() {
  return the_job.value();
}

}  // namespace runnel

int main(int argc, char** argv) {
  runnel::ensure_early_environment(argv);
  try {
    return runnel::run(argc, argv);
  } catch (const runnel::RunError& error) {
    runnel::log_error(error.what());
    return static_cast<int>(error.status());
  }
}
