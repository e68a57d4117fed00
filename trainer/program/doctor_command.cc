// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/doctor_command.h"

#include <optional>
#include <string_view>

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "trainer/command/program_name.h"
#include "trainer/program/host_list.h"
#include "trainer/program/job_diagnosis.h"
#include "trainer/program/rank_count.h"
#include "trainer/program/start_checks.h"
#include "transport/ucx_library.h"

namespace runnel {
namespace {

// `@`: the program's name.
constexpr std::string_view kExamples = R"(Examples:
  @ doctor                                       1 generator + 2 trainers on this machine
  @ doctor trainer/configs/mnist.toml -n 4       the job of a configuration, with 4 trainers
  @ doctor --hosts node1:3,node2:2 --json        ranks on other machines, as mpirun's --host starts them
  mpirun -n 5 --hostfile FILE @ doctor           by any launcher that gives MPI

Exit status: 0 healthy, 1 findings; others as for @ train.)";

Config load(const DoctorCommand::Options& options, const Registry& registry, const std::optional<LaunchPlace>& place) {
  ConfigOptions config_options;
  config_options.known_names = registry.names();
  config_options.sets = options.sets;
  const auto set_trainers = [&](int count) { config_options.sets.push_back("trainer.count=" + std::to_string(count)); };
  if (options.trainers > 0) set_trainers(options.trainers);
  if (!options.hosts.empty()) set_trainers(ranks_on_hosts(options.hosts) - 1);
  // Pairs are probed with the first generator only: all other ranks are trainers.
  config_options.sets.push_back("generator.count=1");
  if (place) config_options.ranks = place->size;
  Config config = load_config(options.config, config_options);
  if (place) require_same_count(*place, options.trainers, config);
  return config;
}

}  // namespace

DoctorCommand::DoctorCommand(CLI::App& app, const Registry& registry) : registry_(registry) {
  CLI::App& command = *app.add_subcommand(kName, "Report what these machines offer, what each pair uses, and why");
  command.footer(with_program_name(kExamples, app.get_name()));
  command.add_option("CONFIG", options_.config, "TOML file of the job to diagnose; none: all defaults");
  CLI::Option* trainers = command.add_option("-n,--trainers", options_.trainers,
                                             "Trainers to start on this machine, in addition to the generator");
  trainers->check(CLI::Range(1, 1024));
  command
      .add_option("--hosts", options_.hosts,
                  "Hosts to start ranks on, with the number of ranks of each; the generator is on the first")
      ->type_name("HOST:RANKS,…")
      ->excludes(trainers);
  command.add_option("--set", options_.sets, "Override a key, as for train; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_flag("--json", options_.json, "Print one JSON document");
}

int DoctorCommand::run(const std::vector<std::string>& arguments) const {
  require_supported_ucx();
  const auto place = place_in_job();
  if (!place) require_own_ranks_wanted("a diagnosis", /*asks_for_ranks=*/true);
  if (place && !options_.hosts.empty()) {
    throw RunError(ExitStatus::usage,
                   "mpirun started this rank, and --hosts asks doctor to start some; use one of them");
  }
  const Config config = load(options_, registry_, place);
  report_ignored_settings(place);
  return diagnose_job({.config = config,
                       .registry = registry_,
                       .place = place,
                       .hosts = options_.hosts,
                       .json = options_.json,
                       .arguments = arguments});
}

}  // namespace runnel
