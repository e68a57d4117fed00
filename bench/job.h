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

/// A measurement that this machine, or this number of processes, cannot make. All ranks throw it alike, and the next
/// measurement follows.
class Impossible : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What the peers of rank 0 do in a measurement; bench/peer_process.h says how.
enum class Task : std::uint8_t { receive, provide, echo_words, echo_bells, exchange, sleep_before_push, mpi_put, end };

/// What rank 0 tells every rank before a measurement. All ranks run the same program: it travels as it lies in memory.
struct Order {
  Task task = Task::end;
  Path path = Path::mapped;
  std::int32_t peers = 1;   ///< ranks 1 … peers take part, the others stay out
  std::uint64_t bytes = 0;  ///< of payload

  // Of an exchange.
  bool large = false;  ///< tensors of 121 MB instead of 4.8 MB
  bool generator_on_gpu = false;
  bool trainers_on_gpu = false;

  bool uses_gpus() const { return generator_on_gpu || trainers_on_gpu; }
};

/// The processes that measure: rank 0 gives orders, the others follow them.
///
/// Under an MPI launcher these are its ranks. Alone, rank 0 starts as many peers on this host as an order asks for.
/// Thread: the main thread.
class Job {
 public:
  /// Alone or under MPI, as the environment says. `argv`: what a peer of this program is started with.
  Job(Config config, std::vector<std::string> argv);

  /// Ends the peers that were started.
  ~Job();

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Whether MPI started the processes, and its calls may be used.
  bool has_mpi() const { return mpi_.has_value(); }

  /// The number of peers that an order may ask for; nothing when it may be any.
  std::optional<int> fixed_peers() const;

  bool is_peer() const { return rank_ != 0; }

  /// Whether all processes are on one host; those that a job alone starts are.
  bool one_host() const { return !mpi_ || group_->one_host(); }

  const Config& config() const { return config_; }

  /// Of the present processes: between two orders only a job alone changes them.
  Bootstrap& bootstrap() { return *bootstrap_; }
  const PeerGroup& group() const { return *group_; }

  /// Collective: the same processes, as they are in an exchange where this one has its tensors on `device`: "cpu", or
  /// the name of a `Device`.
  PeerGroup meet(const std::string& device);

  /// Rank 0: gathers `order.peers` peers and tells them. Throws `Impossible` when MPI started fewer.
  void give(const Order& order);

  /// A peer: the next order; `Task::end` also when rank 0 closes the connection to a peer that it started.
  /// Throws `BootstrapError` when an MPI rank is gone.
  Order next();

  /// After the last order: MPI_Finalize where there is MPI.
  void finish();

 private:
  void start_peers(int peers);
  void end_peers();
  void introduce();

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
