// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/job_options.h"

#include "runtime/base/joined.h"
#include "runtime/launch/launcher.h"
#include "trainer/program/default_data.h"
#include "trainer/program/rank_count.h"
#include "transport/log.h"

namespace runnel {

CLI::Option* add_job_options(CLI::App& command, JobOptions& options) {
  command.add_option("CONFIG", options.config, "TOML file; its keys are listed in trainer/configs/README.md")
      ->required();
  command.add_option("--set", options.sets, "Override a key, as in --set trainer.batch_size=64; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  return command
      .add_option("-n,--trainers", options.trainers, "Trainers to start on this machine, in addition to the generator")
      ->check(CLI::Range(1, 1024));
}

Config load_job_config(const JobOptions& options, const Registry& registry, const std::optional<LaunchPlace>& place,
                       const std::vector<std::string>& more) {
  ConfigOptions config_options;
  config_options.default_data_dir = default_data_folder();
  config_options.known_names = registry.names();
  config_options.sets = options.sets;
  // Once a job: every rank reads the same options.
  if (!started_by_launcher() && (!place || place->rank == 0)) config_options.on_notice = log_warning;
  if (options.trainers > 0) config_options.sets.push_back("trainer.count=" + std::to_string(options.trainers));
  config_options.sets.insert(config_options.sets.end(), more.begin(), more.end());
  if (place) config_options.ranks = place->size;
  Config config = load_config(options.config, config_options);
  if (place) require_same_count(*place, options.trainers, config);
  return config;
}

std::string choices_text(const Registry& registry) {
  std::string text = "\nA configuration can choose:\n";
  for (const auto& [key, names] : registry.names()) text += "  " + key + ": " + joined(names, ", ") + '\n';
  return text;
}

}  // namespace runnel
