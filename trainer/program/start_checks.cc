// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/start_checks.h"

#include <cstdint>
#include <string>

#include "runtime/base/run_error.h"
#include "runtime/launch/launcher.h"
#include "transport/log.h"

namespace runnel {

std::optional<LaunchPlace> place_in_job() {
  auto place = LaunchPlace::from_environment();
  return place && place->size > 1 ? place : std::nullopt;
}

void require_own_ranks_wanted(const std::string& job, bool asks_for_ranks) {
  if (const auto tasks = tasks_without_pmix()) {
    throw RunError(ExitStatus::usage,
                   "srun started " + std::to_string(*tasks) +
                       " tasks that cannot find each other, and each would be a run of its own; "
                       "start them with srun --mpi=pmix (srun --mpi=list shows whether it is there)");
  }
  if (asks_for_ranks || !LaunchPlace::from_environment()) return;
  throw RunError(ExitStatus::usage, "the launcher started 1 rank; " + job +
                                        " needs a generator and at least one trainer: mpirun -n 3, or -n 2 to start "
                                        "them on this machine, or --alone");
}

int start_ranks(const Config& config, const std::vector<std::string>& arguments) {
  const std::int64_t ranks = config.trainer.count + config.generator.count;
  const CheckpointConfig& checkpoint = config.checkpoint;
  LaunchSettings settings;
  if (checkpoint.is_on()) settings.loss_grace = checkpoint.grace();
  if (checkpoint.is_on() && checkpoint.on_signal) settings.signal_grace = checkpoint.grace();
  prepare_launch(ranks);
  return launch_ranks(static_cast<int>(ranks), arguments, settings);
}

void report_ignored_settings(const std::optional<LaunchPlace>& place) {
  const std::string settings = ignored_settings();
  if (settings.empty() || started_by_launcher() || (place && place->rank != 0)) return;
  log_warning("ignored: " + settings +
              "; it would bind the whole job to one core, or take threads away: run.pin and trainer.threads decide");
}

}  // namespace runnel
