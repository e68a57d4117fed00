// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/launch/stop_signals.h"

namespace runnel {

/// Bootstrap over MPI, whatever launcher started the processes. The only file that includes <mpi.h> is its source.
///
/// Between the last collective and `finalize()` no MPI call is made (tests/processes/mpi_calls_test.cc counts them).
/// A signal that `BlockedStopSignals` holds back ends every wait, and the process in MPI_Init.
/// Thread: the one that made it.
class MpiBootstrap final : public Bootstrap {
 public:
  /// Calls MPI_Init, which waits for all ranks. MPI is kept to its own TCP and shared-memory transports, so that it
  /// loads no second UCX and leaves the RDMA device alone. When the other ranks do not come in time, the process ends
  /// with one line and status 69: MPI_Init cannot be given up.
  explicit MpiBootstrap(const Deadline& deadline);

  MpiBootstrap(const MpiBootstrap&) = delete;
  MpiBootstrap& operator=(const MpiBootstrap&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::vector<std::vector<std::byte>> all_gather(std::span<const std::byte> mine, const Deadline& deadline,
                                                 const Meanwhile& meanwhile = {}) override;
  void barrier(const Deadline& deadline, const Meanwhile& meanwhile = {}) override;

  /// MPI_Finalize, which waits for all ranks. Not to be called when a peer is lost; the destructor does not call it.
  void finalize();

  /// The library's own description, such as "Open MPI v4.1.4".
  static std::string library_version();

 private:
  StopSignals signals_;
  int rank_ = 0;
  int size_ = 0;
};

}  // namespace runnel
