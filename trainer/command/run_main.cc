// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// The program runnel-run: `runnel run` where there is no LibTorch, as in the Python package.
#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <string>

#include "runnel_version.h"
#include "runtime/base/run_error.h"
#include "runtime/launch/openmp_settings.h"
#include "runtime/launch/sighup.h"
#include "trainer/command/run_command.h"
#include "trainer/command/usage_error.h"
#include "transport/context.h"
#include "transport/log.h"

namespace runnel {
namespace {

int parse_and_run(int argc, char** argv) {
  // The Python package has "runnel run" there.
  const std::string name = std::filesystem::path(argv[0]).filename().string();
  CLI::App app{RunCommand::kSummary, name};
  app.set_version_flag("--version", std::string("runnel ") + kVersion + " (" + kCommit + "), UCX " + ucx_version());
  const RunCommand run(app, name);
  if (const auto status = parse_command_line(app, argc, argv)) return *status;
  return run.run();
}

int run_program(int argc, char** argv) {
  try {
    restore_sighup();
    publish_ignored_settings();
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    if (!is_reported(error)) log_error(error.what());
    return static_cast<int>(status_of(error));
  }
}

}  // namespace
}  // namespace runnel

int main(int argc, char** argv) {
  return runnel::run_program(argc, argv);
}
