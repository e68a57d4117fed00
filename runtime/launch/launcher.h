// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "transport/deadline.h"

namespace runnel {

/// Open files that mpirun needs while it starts the ranks of a job, which is more than any rank does: 48 with 3 ranks
/// and 64 with 9, measured with Open MPI 4.1 and UCX 1.22, and rounded up. With too few, mpirun may hang.
std::int64_t open_files_needed(std::int64_t ranks);

/// Lets this process and those that it starts open `needed` files, which `job` ("a job of 3 processes") needs. Throws
/// `RunError` (71) with the remedy where the hard limit is lower. With too few mpirun may hang.
void allow_open_files(std::int64_t needed, const std::string& job);

/// Checks the limits of this host for a job of `ranks` processes here: open files as `allow_open_files`, and the room
/// that MPI takes in /dev/shm while they start, about which its own messages name no remedy. Throws `RunError` (71),
/// and `TransportError` (out_of_memory).
void prepare_launch(std::int64_t ranks);

/// How `launch_ranks` places a job and ends it.
struct LaunchSettings {
  std::string hosts = {};                 ///< "a:2,b:1", as --host takes them; empty: this host
  std::optional<Deadline> deadline = {};  ///< of the whole job

  /// How long ranks of this host may take for a last checkpoint: after a signal, where 0 is the time that a run without
  /// checkpoints has, and the run ends at SIGUSR1, too; and after the loss of a rank.
  std::chrono::milliseconds signal_grace{0};
  std::chrono::milliseconds loss_grace{0};
};

/// Starts this program as `ranks` ranks with mpirun, waits, and gives the exit status of the whole: that of the first
/// rank that failed.
///
/// Standard error of mpirun is passed on without Open MPI's own messages; these are printed when it ends with a status
/// that no rank of Runnel gives. Throws `RunError`: 71 when mpirun cannot be started or fails, or TMPDIR is full; 73
/// when there is no place for its files, 74 when standard output is a pipe that nobody reads any more, 130 or 143 when
/// this process was told to stop; 69 when a signal ended a rank, the deadline has passed or mpirun waits for nothing
/// (StallWatch), at which mpirun and the ranks of this host are killed.
int launch_ranks(int ranks, const std::vector<std::string>& arguments, const LaunchSettings& settings = {});

}  // namespace runnel
