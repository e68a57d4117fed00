// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <benchmark/benchmark.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/job.h"
#include "bench/peer_process.h"
#include "bench/suite.h"
#include "runnel_version.h"
#include "runtime/bootstrap/host.h"
#include "runtime/device/device_module.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/sighup.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

constexpr const char* kHelp =
    R"(Measures what Runnel is made of: puts, gets, bells, registration, connecting, reduction, and the whole exchange.

Usage: runnel-bench [--config FILE.toml] [Google Benchmark's options]

  --config FILE.toml             [transport] path, interface and bucket_bytes apply, as in a run;
                                 [generator] threads in exchange and idle_generator
  --benchmark_list_tests         the names of all benchmarks
  --benchmark_filter=REGEX       those to run
  --benchmark_min_time=SECONDS   how long each runs, at least
  --benchmark_repetitions=N
  --benchmark_format=json, --benchmark_out=FILE, ...: see Google Benchmark's user guide

Examples:
  runnel-bench --benchmark_filter=put_latency                  starts its second process itself
  runnel-bench --benchmark_filter='exchange/mapped' --benchmark_format=json
  mpirun -n 3 runnel-bench --benchmark_filter='exchange|mpi'    two trainers, and MPI's collectives beside them

bench/README.md defines each number. Exit status: 0 done, also when benchmarks were skipped; 64 usage, 66 the
configuration is missing, 69 a peer is gone, 70 wrong bytes arrived, 71 an OS limit, 78 bad configuration.
)";

/// Takes `--config FILE` or `--config=FILE` out of `arguments`; an empty name without one.
std::string take_config(std::vector<std::string>& arguments) {
  constexpr std::string_view kOption = "--config";
  for (auto at = arguments.begin(); at != arguments.end(); ++at) {
    if (at->starts_with("--config=")) {
      std::string file = at->substr(kOption.size() + 1);
      arguments.erase(at);
      return file;
    }
    if (*at != kOption) continue;
    if (at + 1 == arguments.end()) throw RunError(ExitStatus::usage, "--config needs a file: --config FILE.toml");
    std::string file = *(at + 1);
    arguments.erase(at, at + 2);
    return file;
  }
  return {};
}

void register_all(Job& job) {
  register_put(job);
  register_get(job);
  register_bell(job);
  register_registration();
  register_connect(job);
  register_reduction();
  register_update_rule();
  register_exchange(job);
  register_mpi_put(job);
  if (find_cuda().devices > 0) {
    register_device_reduction();
    register_device_exchange(job);
  }
}

void add_context(const Job& job) {
  benchmark::AddCustomContext("host", Host::local().name);
  benchmark::AddCustomContext("ucx", ucx_version());
  benchmark::AddCustomContext("mpi", job.has_mpi() ? MpiBootstrap::library_version() : "none");
  benchmark::AddCustomContext("processes", job.fixed_peers() ? std::to_string(*job.fixed_peers() + 1) : "its own");
  benchmark::AddCustomContext("commit", kCommit);
}

int run(std::vector<std::string> arguments) {
  std::vector<std::string> for_peers = arguments;
  for_peers[0] = "/proc/self/exe";
  if (std::ranges::find(arguments, "--help") != arguments.end() ||
      std::ranges::find(arguments, "-h") != arguments.end()) {
    std::cout << kHelp;
    return 0;
  }
  const std::string file = take_config(arguments);
  // A rank's output is a terminal of mpirun's own when mpirun has one: escapes would end in the file it is sent to.
  // What the user sets comes later, and wins.
  if (LaunchPlace::from_environment()) arguments.insert(arguments.begin() + 1, "--benchmark_color=false");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  int argc = static_cast<int>(argv.size());
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) {
    throw RunError(ExitStatus::usage, "unknown argument '" + std::string(argv[1]) + "'; see runnel-bench --help");
  }
  Job job(load_config(file), std::move(for_peers));
  if (job.is_peer()) {
    follow_orders(job);
    return 0;
  }
  add_context(job);
  register_all(job);
  benchmark::RunSpecifiedBenchmarks();
  job.finish();
  return 0;
}

}  // namespace
}  // namespace runnel

int main(int argc, char** argv) {
  runnel::restore_sighup();
  runnel::ensure_early_environment(argv);
  try {
    return runnel::run({argv, argv + argc});
  } catch (const runnel::RunError& error) {
    if (!runnel::is_reported(error)) runnel::log_error(error.what());
    return runnel::exit_code(error);
  } catch (const std::exception& error) {
    const runnel::ExitStatus status = runnel::status_of(error);
    const bool internal = status == runnel::ExitStatus::internal;
    runnel::log_error((internal ? "internal error: " : "") + std::string(error.what()));
    return static_cast<int>(status);
  }
}
