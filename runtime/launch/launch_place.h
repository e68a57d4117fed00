// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <optional>
#include <string>

/// What a process knows of how it was started, and what launch_ranks() lets its ranks know.
namespace runnel {

/// The place that an MPI launcher gave to this process, read from the environment: known before MPI_Init.
struct LaunchPlace {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< counts the ranks of this host; the rank itself where the launcher does not say

  /// Nothing when the process was started by hand. Throws `RunError` (76) when the variables contradict each other.
  static std::optional<LaunchPlace> from_environment();
};

/// How many tasks a step of Slurm has when this process is one of several that have no PMIx, and so cannot find each
/// other: started by `srun --mpi=none`. Nothing otherwise.
std::optional<int> tasks_without_pmix();

/// Whether standard output is a terminal that obeys escape sequences: TERM is set, and not to "dumb".
bool stdout_obeys_escapes();

/// Whether the launcher's terminal wants one line that is drawn again and again: a rank cannot see it, because its own
/// standard output is Open MPI's.
bool launcher_has_terminal();

/// Whether `launch_ranks` started this process. It then says itself which signal ends the run.
bool started_by_launcher();

/// Which start of a job this is, under a launcher that starts it again after a crash (`--supervise`).
struct JobStart {
  int number = 1;
  bool from_newest = false;  ///< it continues from the newest checkpoint, whatever the command line says
};

/// In a rank.
JobStart job_start();

/// Lets the ranks that this process starts know.
void set_job_start(const JobStart& start);

/// Where a program publishes the settings of OpenMP that it ignores: openmp_settings.h.
inline constexpr const char* kIgnoredSettingsVariable = "RUNNEL_IGNORED_SETTINGS";

/// The user's settings of OpenMP that this process, or the launcher that started it, ignores: "OMP_PROC_BIND=close";
/// empty when there are none.
std::string ignored_settings();

/// How long ago this process was started, to 10 ms: with the time that loading LibTorch took, and what a shell did
/// before it became this program. 0 where /proc does not say.
std::chrono::milliseconds time_since_start();

/// In a rank that a bare mpirun started: puts into the environment what UCX reads while it is loaded, and starts this
/// program again when it came without. Called first in main. `launch_ranks` spares its ranks that second start.
void ensure_early_environment(char** argv);

/// Ends this process when its parent, the launcher, ends: a killed mpirun must leave no orphans.
void end_with_parent();

/// Puts into the environment what the functions above read in a rank that this process starts. Removes what another
/// launcher left there for this process alone, which mpirun would take for itself; and Slurm's allocation where all
/// ranks run `on_this_host`, as mpirun would spread them over its nodes.
void set_environment_of_ranks(bool on_this_host);

}  // namespace runnel
