// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace runnel {

/// The shared memory through which the ranks of one job talk MPI: files in /dev/shm, which Open MPI leaves behind when
/// a rank is killed before MPI_Finalize.
class MpiSegments {
 public:
  static constexpr const char* kFolder = "/dev/shm";

  /// Bytes that must be free there when `ranks` ranks start on one host: Open MPI 4 and 5 make a segment of 4 MiB and a
  /// page for each, which takes memory only as it is written to. A rank that is alone on its host makes none.
  static constexpr std::size_t bytes_needed(std::size_t ranks) {
    return ranks < 2 ? 0 : ranks * ((std::size_t{4} << 20) + 4096);
  }

  /// Finds out from the ranks, children of `mpirun`, how this job's files are named. Does nothing once that is known.
  void learn(pid_t mpirun);

  /// Removes what there is of this job's files. To be called when no rank is left.
  void remove() const;

 private:
  std::string mark_;  ///< ".USER.JOB." in hexadecimal as in the files' names; empty: not known yet
};

}  // namespace runnel
