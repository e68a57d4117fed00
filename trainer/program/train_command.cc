// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/train_command.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>

#include "runtime/config/config.h"
#include "runtime/launch/job_control.h"
#include "runtime/launch/launch_place.h"
#include "runtime/telemetry/run_account.h"
#include "trainer/command/program_name.h"
#include "trainer/program/own_stop_signals.h"
#include "trainer/program/start_checks.h"
#include "trainer/program/supervisor.h"
#include "trainer/run/failure.h"
#include "trainer/run/local_training.h"
#include "trainer/run/software.h"
#include "trainer/run/training_job.h"
#include "transport/log.h"
#include "transport/ucx_library.h"

namespace runnel {
namespace {

using Options = TrainCommand::Options;

// `@`: the program's name.
constexpr std::string_view kExamples = R"(Examples:
  @ train trainer/configs/mnist.toml                       1 generator + 2 trainers on this machine
  @ train trainer/configs/mnist.toml -n 4 --report r.json  4 trainers, and a report as JSON
  @ train trainer/configs/mnist.toml --set trainer.batch_size=64 --set optimizer.lr=0.5
  @ train trainer/configs/mnist.toml --trace trace.json    a timeline of all processes, for ui.perfetto.dev
  @ train --alone trainer/configs/mnist-alone.toml         one process, no generator, no MPI
  mpirun -n 5 @ train trainer/configs/mnist.toml           1 generator + 4 trainers, on any hosts
  @ train trainer/configs/mnist.toml --checkpoint ckpt --resume    continue from the newest checkpoint, if there is one
  @ train trainer/configs/mnist.toml --checkpoint ckpt --resume ckpt/step-400 -n 4
  @ train trainer/configs/mnist.toml --checkpoint ckpt --supervise 5    start again after a crash, at most 5 times

Exit status: 0 done, 64 usage, 65 bad data, or a loss or parameter that is not finite, 66 input missing, 69 a peer is
gone, 70 an internal error, 71 a limit of the system, 73/74 cannot write, 76 protocol or version mismatch, 78 bad
configuration, 130/143 interrupted.)";

Config load(const Options& options, const Registry& registry, const std::optional<LaunchPlace>& place) {
  std::vector<std::string> sets;
  // Settings that only a job with several processes has.
  if (options.alone) sets = {"trainer.count=1", "generator.count=1", "run.pin=false"};
  const auto set_file = [&](const std::string& key, const std::string& file) {
    if (!file.empty()) sets.push_back(key + "=" + quoted(file));
  };
  set_file("run.report", options.report);
  set_file("run.save", options.save);
  set_file("run.trace", options.trace);
  set_file("checkpoint.directory", options.checkpoint);
  set_file("checkpoint.resume", job_start().from_newest ? std::string(CheckpointConfig::kNewest) : options.resume);
  return load_job_config(options.job, registry, place, sets);
}

int train_in_this_process(const Config& config, const Registry& registry, const Options& options) {
  take_stop_signals();
  RunAccount account(config, software_of_this_process());
  RunReport& report = account.report();
  try {
    train_alone(
        config, registry, {.dry_run = options.dry_run, .live = stdout_obeys_escapes()},
        [] { return !stop_requested(); }, account);
    require_no_stop();
  } catch (const std::exception& error) {
    const ExitStatus status = log_failure(error);
    report.exit = static_cast<int>(status);
    const bool began = !report.processes.empty();
    if (began && !config.run.report.empty()) try_to_write([&] { write_report(report, config.run.report); });
    rethrow_reported(error, status);
  }
  if (!config.run.report.empty()) write_report(report, config.run.report);
  std::printf("done: %lld steps in %.1f s; %.0f samples/s\nparameters sha256 %s\n",
              static_cast<long long>(report.steps), report.seconds.total, report.samples_per_second,
              report.parameters_sha256.c_str());
  return 0;
}

/// Empty if this process is not a rank of a job. Throws `RunError` (64) if it is one and was told to train alone.
std::optional<LaunchPlace> place_of(const Options& options) {
  const auto place = place_in_job();
  if (!options.alone || !place) return place;
  throw RunError(ExitStatus::usage, "--alone trains in one process, and mpirun started " + std::to_string(place->size) +
                                        "; start it without mpirun");
}

void add_outputs(CLI::App& command, Options& options) {
  command.add_option("--report", options.report, "Write a report of the run as JSON")->type_name("FILE");
  command.add_option("--save", options.save, "Write parameters and buffers as safetensors")->type_name("FILE");
  command.add_option("--trace", options.trace, "Write a timeline of all processes, as JSON for ui.perfetto.dev")
      ->type_name("FILE");
}

void add_checkpoints(CLI::App& command, Options& options, CLI::Option* alone) {
  command.add_option("--checkpoint", options.checkpoint, "Keep checkpoints of the run in this folder")
      ->type_name("DIR");
  command
      .add_option("--resume", options.resume,
                  "Continue from this checkpoint, or from the newest good one of --checkpoint, or else from the start")
      ->type_name("[DIR/step-N]")
      ->expected(0, 1)
      ->default_str(std::string(CheckpointConfig::kNewest))
      ->check([](const std::string& folder) {
        const bool is_file = std::filesystem::is_regular_file(folder);
        return is_file ? folder + " is a file, not the folder of a checkpoint; put --resume at the end" : "";
      });
  command
      .add_option("--supervise", options.supervise,
                  "Start the job again after a crash, at most R times, from its newest checkpoint")
      ->type_name("R")
      ->check(CLI::Range(1, 1'000'000))
      ->excludes(alone);
}

/// Throws `RunError` (64) where the job cannot be started again after a crash.
void require_supervisable(const Options& options, const Config& config, const std::optional<LaunchPlace>& place) {
  if (options.supervise == 0 || started_by_launcher()) return;
  if (!config.checkpoint.is_on()) {
    throw RunError(ExitStatus::usage, "--supervise needs checkpoints to continue from; add --checkpoint DIR");
  }
  if (!place) return;
  throw RunError(ExitStatus::usage,
                 "--supervise starts the ranks of this machine again, and mpirun started these; put it around instead: "
                 "leave it out, and repeat mpirun in a script, with --resume");
}

/// Training in one process keeps no checkpoints.
void require_job_for_checkpoints(const Options& options, const Config& config) {
  if (!options.alone || (!config.checkpoint.is_on() && config.checkpoint.resume.empty())) return;
  throw RunError(ExitStatus::usage, "--alone keeps no checkpoints; train with one generator and one trainer: -n 1");
}

int start_job(const Options& options, const Config& config, const std::vector<std::string>& arguments) {
  if (options.supervise == 0) return start_ranks(config, arguments);
  return supervise(options.supervise, config.checkpoint.directory, [&] { return start_ranks(config, arguments); });
}

}  // namespace

TrainCommand::TrainCommand(CLI::App& app, const Registry& registry) : registry_(registry) {
  CLI::App& command = *app.add_subcommand(kName, "Train a model: run by mpirun, or starting mpirun itself");
  command.footer(examples(app.get_name()) + choices_text(registry));
  CLI::Option* trainers = add_job_options(command, options_.job);
  add_outputs(command, options_);
  command.add_flag("--print-config", options_.print_config, "Print the effective configuration as TOML, and exit");
  CLI::Option* alone = command.add_flag("--alone", options_.alone, "Train in this process: no generator, no MPI");
  alone->excludes(trainers);
  add_checkpoints(command, options_, alone);
  command.add_flag("--dry-run", options_.dry_run, "One batch only")->needs(alone);
}

std::string TrainCommand::examples(const std::string& name) {
  return with_program_name(kExamples, name);
}

int TrainCommand::run(const std::vector<std::string>& arguments) const {
  const auto place = place_of(options_);
  const Config config = load(options_, registry_, place);
  if (options_.print_config) {
    std::cout << print_toml(config);
    return 0;
  }
  if (!place && !options_.alone) require_own_ranks_wanted("a job", options_.job.trainers > 0);
  require_supervisable(options_, config, place);
  require_job_for_checkpoints(options_, config);
  report_ignored_settings(place);
  if (options_.alone) return train_in_this_process(config, registry_, options_);
  require_supported_ucx();
  if (!place) {
    check_job(config, registry_);
    return start_job(options_, config, arguments);
  }
  end_with_parent();
  count_suspended_time();
  run_training_job(config, registry_, *place);
  return 0;
}

}  // namespace runnel
