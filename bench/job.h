// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/bootstrap_mpi.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "transport/path.h"

namespace runnel {

/// A measurement that is impossible on this machine or with this number of processes. All ranks throw it together, and
/// continue with the next measurement.
class Impossible : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the peers of rank 0 do in a measurement; described in bench/peer_process.h.
enum class Task : std::uint8_t { receive, provide, echo_words, echo_bells, exchange, sleep_before_push, mpi_put, end };

/// What rank 0 sends to every rank before a measurement. All ranks run the same program, so it is sent as it is in
/// memory.
struct Order {
  Task task = Task::end;
  Path path = Path::mapped;
  std::int32_t peers = 1;   ///< ranks 1 … peers take part, the others do not
  std::uint64_t bytes = 0;  ///< payload

  // Only for an exchange.
  bool large = false;  ///< tensors of 121 MB instead of 4.8 MB
  bool generator_on_gpu = false;
  bool trainers_on_gpu = false;

  bool uses_gpus() const { return generator_on_gpu || trainers_on_gpu; }
};

/// The processes of a benchmark: rank 0 sends orders, the others execute them.
///
/// Under an MPI launcher these are its ranks. Without one, rank 0 starts as many peers on this host as an order needs.
/// Thread: the main thread.
class Job {
 public:
  /// Under MPI if the environment says so. `argv`: the command line for a peer that this process starts.
  Job(Config config, std::vector<std::string> argv);

  /// Ends the peers that this process started.
  ~Job();

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Whether MPI started the processes, so that it may be called.
  bool has_mpi() const { return mpi_.has_value(); }

  /// The largest number of peers in an order; empty without a limit.
  std::optional<int> fixed_peers() const;

  bool is_peer() const { return rank_ != 0; }

  /// Whether all processes are on one host; always true without MPI.
  bool one_host() const { return !mpi_ || group_->one_host(); }

  const Config& config() const { return config_; }

  /// The current processes. Without MPI an order may change them.
  Bootstrap& bootstrap() { return *bootstrap_; }
  const PeerGroup& group() const { return *group_; }

  /// Collective: the same processes, as they are in an exchange where this one has its tensors on `device`: "cpu", or
  /// the name of a `Device`.
  PeerGroup introduce(const DeviceId& device);

  /// Rank 0: gathers `order.peers` peers and tells them. Throws `Impossible` when MPI started fewer.
  void send(const Order& order);

  /// A peer: the next order; `Task::end` also when rank 0 closes the connection to a peer that it started.
  /// Throws `BootstrapError` when an MPI rank is gone.
  Order next();

  /// After the last order: MPI_Finalize where there is MPI.
  void finish();

 private:
  void start_peers(int peers);
  void end_peers();
  void update_group();

  Config config_;
  std::vector<std::string> argv_;
  std::optional<MpiBootstrap> mpi_;
  std::unique_ptr<Bootstrap> local_;
  Bootstrap* bootstrap_ = nullptr;  // one of the two above; null alone before the first order
  std::optional<PeerGroup> group_;
  std::vector<pid_t> children_;
  int rank_ = 0;
};

}  // namespace runnel
