// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/test_command.h"

#include <optional>
#include <string_view>

#include "runtime/config/config.h"
#include "runtime/launch/job_control.h"
#include "runtime/launch/launch_place.h"
#include "trainer/command/program_name.h"
#include "trainer/program/own_stop_signals.h"
#include "trainer/program/start_checks.h"
#include "trainer/run/test_job.h"
#include "transport/ucx_library.h"

namespace runnel {
namespace {

// `@`: the program's name.
constexpr std::string_view kExamples = R"(Examples:
  @ test my.toml --set model.init=weights.safetensors         in this process
  @ test my.toml --set model.init=weights.safetensors -n 4    4 trainers, each with a part of the test set
  @ test my.toml --json                                       with the model's own weights; the result as JSON
  mpirun -n 5 @ test my.toml --set model.init=FILE            1 generator + 4 trainers, on any hosts

Exit status: as for @ train.)";

int test_in_this_process(const Config& config, const Registry& registry, TestOutput output) {
  take_stop_signals();
  test_alone(config, registry, output, [] { return !stop_requested(); });
  require_no_stop();
  return 0;
}

}  // namespace

TestCommand::TestCommand(CLI::App& app, const Registry& registry) : registry_(registry) {
  CLI::App& command = *app.add_subcommand(kName, "Test a model with the weights of model.init; train nothing");
  command.footer(with_program_name(kExamples, app.get_name()) + choices_text(registry));
  add_job_options(command, options_.job)->description("Trainers to share the test; without it, this process alone");
  command.add_flag("--json", options_.json, "Print the result as JSON: a report's member \"test\"");
}

int TestCommand::run(const std::vector<std::string>& arguments) const {
  const auto place = place_in_job();
  const bool alone = !place && options_.job.trainers == 0;
  std::vector<std::string> sets = {"trainer.seats=0", "run.report=\"\"",           "run.save=\"\"",
                                   "run.trace=\"\"",  "checkpoint.directory=\"\"", "checkpoint.resume=\"\""};
  if (alone) sets.insert(sets.end(), {"trainer.count=1", "generator.count=1", "run.pin=false"});
  const Config config = load_job_config(options_.job, registry_, place, sets);
  const TestOutput output = options_.json ? TestOutput::json : TestOutput::text;
  if (!place && !alone) require_own_ranks_wanted("a test", /*asks_for_ranks=*/true);
  report_ignored_settings(place);
  if (alone) return test_in_this_process(config, registry_, output);
  require_supported_ucx();
  if (!place) {
    check_test_job(config, registry_);
    return start_ranks(config, arguments);
  }
  end_with_parent();
  count_suspended_time();
  run_test_job(config, registry_, *place, output);
  return 0;
}

}  // namespace runnel
