// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/run_program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "runnel_version.h"
#include "runtime/base/run_error.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/openmp_settings.h"
#include "runtime/launch/sighup.h"
#include "trainer/command/run_command.h"
#include "trainer/command/usage_error.h"
#include "trainer/program/checkpoints_command.h"
#include "trainer/program/doctor_command.h"
#include "trainer/program/inspect_command.h"
#include "trainer/program/test_command.h"
#include "trainer/program/train_command.h"
#include "trainer/program/working_directory.h"
#include "trainer/run/failure.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"

namespace runnel {
namespace {

int parse_and_run(int argc, char** argv, const Registry& registry) {
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  CLI::App app{"Runnel: data-parallel training whose gradients and parameters move by UCX remote memory access", name};
  app.footer(TrainCommand::examples(name));
  app.set_version_flag("--version", std::string("runnel ") + kVersion + " (" + kCommit + "), UCX " + ucx_version() +
                                        ", LibTorch " + torch_version());
  app.require_subcommand(1);
  const TrainCommand train(app, registry);
  const TestCommand test(app, registry);
  const DoctorCommand doctor(app, registry);
  const InspectCommand inspect(app);
  const CheckpointsCommand checkpoints(app);
  const RunCommand run(*app.add_subcommand(RunCommand::kName, RunCommand::kSummary), name + ' ' + RunCommand::kName);
  if (const auto status = parse_command_line(app, argc, argv)) return *status;
  if (app.got_subcommand(InspectCommand::kName)) return inspect.run();
  if (app.got_subcommand(CheckpointsCommand::kName)) return checkpoints.run();
  if (app.got_subcommand(RunCommand::kName)) return run.run();
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // A colon alone, as a file's name, would begin another command for mpirun, which gets these arguments.
  std::ranges::replace(arguments, ":", "./:");
  if (app.got_subcommand(DoctorCommand::kName)) return doctor.run(arguments);
  return app.got_subcommand(TestCommand::kName) ? test.run(arguments) : train.run(arguments);
}

/// Throws `RunError` (74) when standard output's buffer cannot be written: nothing has checked that so far.
void require_written_output() {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  const std::string reason = errno == 0 ? "" : std::string(": ") + std::strerror(errno);
  throw RunError(ExitStatus::cannot_write, "standard output cannot be written" + reason);
}

int fail(const std::exception& error) {
  const auto status = static_cast<int>(log_failure(error));
  const auto* run_error = dynamic_cast<const RunError*>(&error);
  return run_error != nullptr ? exit_code(*run_error) : status;
}

}  // namespace

int run_program(int argc, char** argv, const Registry& registry) {
  keep_freed_memory();
  try {
    require_working_directory();
    restore_sighup();
    publish_ignored_settings();
    // Then a write beyond `ulimit -f` fails with EFBIG, and is reported with the file's name.
    std::signal(SIGXFSZ, SIG_IGN);
    if (LaunchPlace::from_environment()) ensure_early_environment(argv);
    const int status = parse_and_run(argc, argv, registry);
    require_written_output();
    return status;
  } catch (const std::exception& error) {
    return fail(error);
  }
}

}  // namespace runnel
