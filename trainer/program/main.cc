// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "runnel_version.h"
#include "runtime/base/run_error.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/openmp_settings.h"
#include "runtime/launch/sighup.h"
#include "trainer/program/doctor_command.h"
#include "trainer/program/train_command.h"
#include "trainer/program/usage_error.h"
#include "trainer/run/failure.h"
#include "trainer/torch/torch_setup.h"
#include "transport/context.h"

namespace runnel {
namespace {

int parse_and_run(int argc, char** argv) {
  CLI::App app{"Runnel: data-parallel training whose gradients and parameters move by UCX remote memory access"};
  app.footer(TrainCommand::examples());
  app.set_version_flag("--version", std::string("runnel ") + kVersion + " (" + kCommit + "), UCX " + ucx_version() +
                                        ", LibTorch " + torch_version());
  app.require_subcommand(1);
  const TrainCommand train(app);
  const DoctorCommand doctor(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    throw usage_error(app, error);
  }
  std::vector<std::string> arguments(argv + 1, argv + argc);
  // A colon alone, as a file's name, would begin another command for mpirun, which gets these arguments.
  std::ranges::replace(arguments, ":", "./:");
  return app.got_subcommand(DoctorCommand::kName) ? doctor.run(arguments) : train.run(arguments);
}

/// Throws `RunError` (74) when standard output's buffer cannot be written: nothing has checked that so far.
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
    runnel::publish_ignored_settings();
    // Then a write beyond `ulimit -f` fails with EFBIG, and is reported with the file's name.
    std::signal(SIGXFSZ, SIG_IGN);
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
