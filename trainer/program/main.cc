// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "runnel_version.h"
#include "runtime/config/config.h"
#include "runtime/doctor/machine_findings.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/launcher.h"
#include "runtime/launch/sighup.h"
#include "runtime/launch/stop_signals.h"
#include "runtime/telemetry/run_report.h"
#include "trainer/program/doctor_command.h"
#include "trainer/program/host_list.h"
#include "trainer/program/usage_error.h"
#include "trainer/run/failure.h"
#include "trainer/run/local_training.h"
#include "trainer/run/training_job.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"
#include "transport/log.h"
#include "transport/status.h"

namespace runnel {
namespace {

constexpr const char* kExamples = R"(Examples:
  runnel train trainer/configs/mnist.toml                       1 generator + 2 trainers on this machine
  runnel train trainer/configs/mnist.toml -n 4 --report r.json  4 trainers, and a report as JSON
  runnel train trainer/configs/mnist.toml --set trainer.batch_size=64 --set optimizer.lr=0.5
  runnel train trainer/configs/mnist.toml --trace trace.json    what every process did when, for ui.perfetto.dev
  runnel train --alone trainer/configs/mnist-alone.toml         one process, no generator, no MPI
  mpirun -n 5 runnel train trainer/configs/mnist.toml           1 generator + 4 trainers, on any hosts

Exit status: 0 done, 64 usage, 65 bad data file, 66 input missing, 69 a peer is gone, 70 an internal error, 71 a limit of
the system, 73/74 cannot write, 76 protocol or version mismatch, 78 bad configuration, 130/143 interrupted.)";

constexpr const char* kDoctorExamples = R"(Examples:
  runnel doctor                                       1 generator + 2 trainers on this machine
  runnel doctor trainer/configs/mnist.toml -n 4       the job of a configuration, with 4 trainers
  runnel doctor --hosts node1:3,node2:2 --json        ranks on other machines, as mpirun's --host starts them
  mpirun -n 5 --hostfile FILE runnel doctor           by any launcher that gives MPI

Exit status: 0 healthy, 1 findings; others as for runnel train.)";

struct TrainOptions {
  std::string config;
  int trainers = 0;  // 0: as the configuration says
  std::vector<std::string> sets;
  std::string report;
  std::string save;
  std::string trace;
  bool print_config = false;
  bool alone = false;
  bool dry_run = false;
};

/// Set by SIGINT, SIGTERM and SIGHUP when training alone; a rank of a job has its heartbeat thread for them.
std::atomic<int> stop_signal{0};

std::filesystem::path default_data_dir() {
  // Beside the sources in a build tree, in share/ of an install.
  for (const char* candidate : {kSourceDataDir, kInstalledDataDir}) {
    if (std::filesystem::is_directory(candidate)) return candidate;
  }
  return kInstalledDataDir;
}

/// As a basic string of TOML, which can hold any file name.
std::string toml_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

/// `asked_for`: by -n; 0: nothing was.
void check_trainers(const LaunchPlace& place, int asked_for, const Config& config) {
  if (asked_for == 0 || asked_for == config.trainer.count) return;
  throw RunError(ExitStatus::usage, "-n " + std::to_string(asked_for) + " contradicts mpirun, which started " +
                                        std::to_string(place.size) + " ranks, for " +
                                        std::to_string(config.generator.count) + " generators and " +
                                        std::to_string(config.trainer.count) +
                                        " trainers; leave -n out of what mpirun starts");
}

Config load(const TrainOptions& options, const std::optional<LaunchPlace>& place) {
  ConfigOptions config_options;
  config_options.default_data_dir = default_data_dir();
  config_options.sets = options.sets;
  const auto set = [&](const std::string& key, const std::string& value) {
    config_options.sets.push_back(key + "=" + value);
  };
  if (options.trainers > 0) set("trainer.count", std::to_string(options.trainers));
  if (options.alone) {
    // Whatever the job has that this process has not.
    for (const char* key : {"trainer.count", "generator.count"}) set(key, "1");
    set("run.pin", "false");
  }
  if (place) config_options.ranks = place->size;
  if (!options.report.empty()) set("run.report", toml_string(options.report));
  if (!options.save.empty()) set("run.save", toml_string(options.save));
  if (!options.trace.empty()) set("run.trace", toml_string(options.trace));
  Config config = load_config(options.config, config_options);
  if (place) check_trainers(*place, options.trainers, config);
  return config;
}

int train_in_this_process(const Config& config, const TrainOptions& options) {
  struct sigaction action {};
  action.sa_handler = [](int signal) { stop_signal.store(signal); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (sighup_ends_process()) sigaction(SIGHUP, &action, nullptr);
  RunReport report;
  report.version = kVersion;
  report.commit = kCommit;
  report.ucx_version = ucx_version();
  try {
    train_alone(
        config, {.dry_run = options.dry_run, .live = isatty(STDOUT_FILENO) != 0},
        [] { return stop_signal.load() == 0; }, report);
    if (stop_signal.load() != 0) throw stopped_by(stop_signal.load());
  } catch (const std::exception& error) {
    const ExitStatus status = log_failure(error);
    report.exit = static_cast<int>(status);
    const bool began = !report.processes.empty();
    if (began && !config.run.report.empty()) try_to_write([&] { write_report(report, config.run.report); });
    throw RunError(status, "");
  }
  if (!config.run.report.empty()) write_report(report, config.run.report);
  std::printf("done: %lld steps in %.1f s; %.0f images/s\nparameters sha256 %s\n", static_cast<long long>(report.steps),
              report.seconds.total, report.images_per_second, report.parameters_sha256.c_str());
  return 0;
}

/// `job`: what needs ranks, and `instead` what needs none.
void check_place(const LaunchPlace& place, const std::string& job, const std::string& instead) {
  if (place.size >= 2) return;
  throw RunError(ExitStatus::usage, "mpirun started 1 rank; " + job +
                                        " needs a generator and at least one trainer: mpirun -n 3" + instead);
}

int train(const TrainOptions& options, const std::vector<std::string>& arguments) {
  auto place = LaunchPlace::from_environment();
  if (options.alone) {
    if (place && place->size > 1) {
      throw RunError(ExitStatus::usage, "--alone trains in one process, and mpirun started " +
                                            std::to_string(place->size) + "; start it without mpirun");
    }
    place.reset();
  }
  if (place) check_place(*place, "a job", ", or --alone");
  const Config config = load(options, place);
  if (options.print_config) {
    std::cout << print_toml(config);
    return 0;
  }
  if (options.alone) return train_in_this_process(config, options);
  if (!place) {
    check_job(config);
    const std::int64_t ranks = config.trainer.count + config.generator.count;
    allow_open_files(open_files_needed(ranks), "a job of " + std::to_string(ranks) + " processes");
    return launch_ranks(static_cast<int>(ranks), arguments);
  }
  end_with_parent();
  run_training_job(config, *place);
  return 0;
}

struct DoctorOptions {
  std::string config;  // empty: all defaults
  int trainers = 0;    // 0: as the configuration says
  std::string hosts;
  std::vector<std::string> sets;
  bool json = false;
};

int doctor(const DoctorOptions& options, const std::vector<std::string>& arguments) {
  const auto place = LaunchPlace::from_environment();
  if (place) check_place(*place, "a diagnosis", "");
  if (place && !options.hosts.empty() && !started_by_launcher()) {
    throw RunError(ExitStatus::usage,
                   "mpirun started this rank, and --hosts asks doctor to start some; use one of them");
  }
  ConfigOptions config_options;
  config_options.sets = options.sets;
  const auto set_trainers = [&](int count) { config_options.sets.push_back("trainer.count=" + std::to_string(count)); };
  if (options.trainers > 0) set_trainers(options.trainers);
  if (!options.hosts.empty()) set_trainers(ranks_on_hosts(options.hosts) - 1);
  // Pairs are probed with the first generator only: all other ranks are trainers.
  config_options.sets.push_back("generator.count=1");
  if (place) config_options.ranks = place->size;
  Config config = load_config(options.config, config_options);
  if (place) check_trainers(*place, options.trainers, config);
  return run_doctor({.config = std::move(config),
                     .place = place,
                     .hosts = options.hosts,
                     .json = options.json,
                     .arguments = arguments});
}

void add_doctor(CLI::App& app, DoctorOptions& options) {
  CLI::App* command = app.add_subcommand("doctor", "Say what these machines offer, what each pair uses, and why");
  command->footer(kDoctorExamples);
  command->add_option("CONFIG", options.config, "TOML file of the job to diagnose; none: all defaults");
  CLI::Option* trainers =
      command->add_option("-n,--trainers", options.trainers, "Trainers to start on this machine, beside the generator");
  trainers->check(CLI::Range(1, 1024));
  command
      ->add_option("--hosts", options.hosts,
                   "Hosts to start ranks on, with the number of ranks of each; the generator is on the first")
      ->type_name("HOST:RANKS,…")
      ->excludes(trainers);
  command->add_option("--set", options.sets, "Override a key, as runnel train does; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--json", options.json, "Print one JSON document");
}

int parse_and_run(int argc, char** argv) {
  CLI::App app{"Runnel: data-parallel training whose gradients and parameters move by UCX remote memory access"};
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("runnel ") + kVersion + " (" + kCommit + "), UCX " + ucx_version() +
                                        ", LibTorch " + torch_version());
  app.require_subcommand(1);

  TrainOptions options;
  CLI::App* train_command = app.add_subcommand("train", "Train a model: started by mpirun, or starting it itself");
  train_command->footer(kExamples);
  train_command->add_option("CONFIG", options.config, "TOML file; its keys are listed in trainer/README.md")
      ->required();
  CLI::Option* trainers = train_command->add_option("-n,--trainers", options.trainers,
                                                    "Trainers to start on this machine, beside the generator");
  trainers->check(CLI::Range(1, 1024));
  train_command->add_option("--set", options.sets, "Override a key, as in --set trainer.batch_size=64; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  train_command->add_option("--report", options.report, "Write a report of the run as JSON")->type_name("FILE");
  train_command->add_option("--save", options.save, "Write the trained parameters as safetensors")->type_name("FILE");
  train_command->add_option("--trace", options.trace, "Write what every process did when, as JSON for ui.perfetto.dev")
      ->type_name("FILE");
  train_command->add_flag("--print-config", options.print_config, "Print the effective configuration as TOML, and end");
  CLI::Option* alone = train_command->add_flag("--alone", options.alone, "Train in this process: no generator, no MPI");
  alone->excludes(trainers);
  train_command->add_flag("--dry-run", options.dry_run, "One batch only")->needs(alone);
  DoctorOptions doctor_options;
  add_doctor(app, doctor_options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error);
  }
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return app.got_subcommand("doctor") ? doctor(doctor_options, arguments) : train(options, arguments);
}

/// What stands in standard output's buffer may not have been written, and nobody has looked so far.
void require_written_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  const std::string reason = errno == 0 ? "" : std::string(": ") + std::strerror(errno);
  throw RunError(ExitStatus::cannot_write, "standard output cannot be written" + reason);
}

}  // namespace
}  // namespace runnel

int main(int argc, char** argv) {
  runnel::keep_freed_memory();
  try {
    runnel::restore_sighup();
    if (runnel::LaunchPlace::from_environment()) runnel::ensure_early_environment(argv);
    const int status = runnel::parse_and_run(argc, argv);
    runnel::require_written_output();
    return status;
  } catch (const runnel::RunError& error) {
    runnel::log_failure(error);
    return runnel::exit_code(error);
  } catch (const std::exception& error) {
    return static_cast<int>(runnel::log_failure(error));
  }
}
