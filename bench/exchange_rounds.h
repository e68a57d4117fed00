// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "bench/job.h"
#include "transport/path.h"

namespace runnel {

/// Rank 0's results of the rounds of an order; bench/README.md defines the times. One value a round, without warm-up.
struct ExchangeTimes {
  PathReport path;                      ///< to the first trainer
  std::vector<double> exchange_ms;      ///< sum and optimizer included
  std::vector<double> all_reduce_ms;    ///< MPI_Allreduce of the trainers; empty without MPI
  std::vector<double> reduce_bcast_ms;  ///< MPI_Reduce, then MPI_Bcast; empty likewise
};

/// Called by rank 0 after it sent an order to exchange: the generator of the rounds. Throws `RunError` when a trainer
/// ends with different parameters.
ExchangeTimes measure_exchange(Job& job, const Order& order);

/// Called by rank 0 after it sent the order to sleep before a push: the share of a core that all threads of the
/// generator use while its trainers sleep.
double measure_idle_generator(Job& job, const Order& order);

/// Called by a peer: the part of a trainer in both, or of a generator that is not the lead.
void take_part_in_exchange(Job& job, const Order& order);

}  // namespace runnel
