// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/command/run_command.h"

#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/bootstrap_local.h"
#include "runtime/bootstrap/local_meeting.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/launcher.h"
#include "runtime/launch/local_processes.h"
#include "trainer/command/program_name.h"
#include "trainer/command/trainer_environment.h"
#include "trainer/command/usage_error.h"
#include "transport/log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr const char* kServe = "runnel-serve";

// `@`: what users type before the options.
constexpr std::string_view kExamples = R"(After the options: SCRIPT.py or PROGRAM, and its arguments.

Examples:
  @ -n 4 train.py --epochs 2                  1 generator + 4 trainers on this machine; what follows
                                                       the script is the script's
  @ -n 4 -- ./my-trainer --epochs 2           any program
  @ -n 4 -- python3 -m my_package.train       a Python module
  @ -n 8 --generators 2 train.py              two generators share the work
  @ -n 4 --set transport.bucket_bytes=262144 --report run.json train.py
  @ -n 1 --python venv/bin/python train.py    with another interpreter than python3, as RUNNEL_PYTHON does

Each trainer has RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT in its environment.

Exit status: 0 done; else that of the first process that failed, 128 and the signal's number where a signal ended it.
64 usage, 66 no such script or program, 69 a process is gone or has not joined, 71 a limit of the system, 74 cannot
write, 78 bad configuration, 130/143 interrupted.)";

/// Throws where several of this process were started, each of which would start a whole job.
void require_only_one() {
  const auto place = LaunchPlace::from_environment();
  const int started = place ? place->size : tasks_without_pmix().value_or(1);
  if (started == 1) return;
  throw RunError(ExitStatus::usage, "a launcher has started " + std::to_string(started) +
                                        " of this command, and each would start trainers of its own; start it once, "
                                        "without mpirun or srun");
}

void report_removed_settings() {
  const std::string settings = ignored_settings();
  if (settings.empty()) return;
  log_warning("ignored: " + settings + "; it would bind all trainers to the same cores, or take threads away");
}

/// Beside this program, as in a build tree, an installed one and the Python package; else by PATH.
std::string generator_program() {
  const fs::path beside = fs::read_symlink("/proc/self/exe").parent_path() / kServe;
  return fs::exists(beside) ? beside.string() : kServe;
}

/// A script with its interpreter; other programs as they are.
std::vector<std::string> command_of(std::vector<std::string> program, const std::string& python) {
  const fs::path script = program.front();
  if (script.extension() != ".py") return program;
  if (!fs::exists(script)) throw RunError(ExitStatus::input_missing, script.string() + ": there is no such script");
  const char* of_environment = std::getenv("RUNNEL_PYTHON");
  const bool is_set = of_environment != nullptr && *of_environment != '\0';
  program.insert(program.begin(), !python.empty() ? python : is_set ? of_environment : "python3");
  return program;
}

std::vector<LocalProcess> processes_of(const RunSettings& job, const LocalPlace& place,
                                       const std::vector<std::string>& command, bool has_pipes) {
  std::vector<LocalProcess> processes;
  processes.reserve(static_cast<std::size_t>(place.size));
  for (int rank = 0; rank < job.generators; ++rank) {
    processes.push_back({.name = "generator" + (job.generators == 1 ? "" : " " + std::to_string(rank)),
                         .argv = {generator_program(), std::to_string(job.generators)},
                         .environment = environment_of(place.with_rank(rank))});
  }
  Variables variables = variables_of_trainers(job);
  // Python holds back what it writes to a pipe, which a user wants to see.
  if (has_pipes && std::getenv("PYTHONUNBUFFERED") == nullptr) variables.emplace_back("PYTHONUNBUFFERED", "1");
  for (int trainer = 0; trainer < job.trainers; ++trainer) {
    Variables its = variables;
    for (const auto& variable : variables_of_trainer(trainer)) its.push_back(variable);
    processes.push_back({.name = "trainer " + std::to_string(trainer),
                         .argv = command,
                         .environment = environment_of(place.with_rank(job.generators + trainer), its),
                         .is_trainer = true});
  }
  return processes;
}

void add_options(CLI::App& command, RunOptions& options) {
  command.add_option("-n,--trainers", options.trainers, "Trainers to start (the cores that generators leave)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--generators", options.generators, "Generators to start (1)")->check(CLI::Range(1, 256));
  command
      .add_option(
          "--set", options.sets,
          "Set a key of the tables transport, generator, optimizer and run, as in --set run.timeout_s=60; may be "
          "repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_option("--config", options.config, "TOML file with such keys")->type_name("FILE");
  command.add_option("--report", options.report, "Write a report of the run as JSON")->type_name("FILE");
  command.add_option("--trace", options.trace, "Write a timeline of all processes, as JSON for ui.perfetto.dev")
      ->type_name("FILE");
}

}  // namespace

RunCommand::RunCommand(CLI::App& command, const std::string& name) : command_(command) {
  command.footer(with_program_name(kExamples, name));
  add_options(command, options_);
  command.add_option("--python", python_, "Interpreter of scripts (RUNNEL_PYTHON, or python3)")->type_name("PROGRAM");
  command.add_flag("--no-prefix", no_prefix_, "Leave the trainers' output as it is, without [trainer 2] before lines");
  command.prefix_command();
  // What follows `--` goes to the program that has the command.
  if (CLI::App* parent = command.get_parent(); parent != nullptr) {
    command.preparse_callback([parent](std::size_t) { parent->allow_extras(); });
  }
}

std::vector<std::string> RunCommand::program() const {
  std::vector<std::string> words = command_.remaining();
  if (!words.empty() && words.front() != "--" && words.front().starts_with('-')) {
    throw unknown_option(command_, words.front());
  }
  if (const CLI::App* parent = command_.get_parent(); parent != nullptr) {
    const auto more = parent->remaining();
    words.insert(words.end(), more.begin(), more.end());
  }
  if (!words.empty() && words.front() == "--") words.erase(words.begin());
  if (!words.empty()) return words;
  throw RunError(ExitStatus::usage, "no script or program to start; name it after the options, as in -n 4 train.py");
}

int RunCommand::run() const {
  const std::vector<std::string> words = program();
  require_only_one();
  const RunSettings job = run_settings(options_);
  const std::vector<std::string> command = command_of(words, python_);
  report_removed_settings();
  const int ranks = job.generators + job.trainers;
  allow_open_files(open_files_needed(ranks), "a job of " + std::to_string(ranks) + " processes");
  set_environment_of_ranks(/*on_this_host=*/false);
  const bool prefix_lines = job.trainers > 1 && !no_prefix_;
  const LocalPlace place = LocalPlace::fresh(ranks);
  return run_local_processes(
      processes_of(job, place, command, prefix_lines), [&] { return ranks_waiting(place); }, prefix_lines);
}

}  // namespace runnel
