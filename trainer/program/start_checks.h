// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"

namespace runnel {

/// The place of this process in a job that a launcher started, or nothing when it has to start ranks itself, if it
/// needs any: a single rank, as an interactive shell under Slurm or Jupyter is, is no job. Throws `RunError`: 76 as
/// `LaunchPlace::from_environment`.
std::optional<LaunchPlace> place_in_job();

/// Throws `RunError` (64) where this process may not start ranks of its own: it is one of several tasks of Slurm, each
/// of which would start a whole job; or it is the only rank that a launcher started for `job` ("a job"), and nothing
/// `asks_for_ranks` here.
void require_own_ranks_wanted(const std::string& job, bool asks_for_ranks);

/// Starts the ranks of the job that `config` describes, with the program's own `arguments`, and waits for their end.
/// Returns the exit status. Throws as `prepare_launch` and `launch_ranks`.
int start_ranks(const Config& config, const std::vector<std::string>& arguments);

/// Logs which of the user's settings are ignored. One process of a job reports them: the launcher, or rank 0 where
/// another launcher started the ranks.
void report_ignored_settings(const std::optional<LaunchPlace>& place);

}  // namespace runnel
