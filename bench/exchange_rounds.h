// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "bench/job.h"
#include "transport/path.h"

namespace runnel {

/// What rank 0 knows after the rounds of an order; bench/README.md defines the times. A value a round, without warm-up.
struct ExchangeTimes {
  PathReport path;                      ///< to the first trainer
  std::vector<double> exchange_ms;      ///< sum and optimizer included
  std::vector<double> all_reduce_ms;    ///< MPI_Allreduce of the trainers; empty without MPI
  std::vector<double> reduce_bcast_ms;  ///< MPI_Reduce, then MPI_Bcast; empty likewise
};

/// Rank 0, after it gave an order to exchange: the generator of the rounds. Throws `RunError` when a trainer ends with
/// other parameters than the generator.
ExchangeTimes measure_exchange(Job& job, const Order& order);

/// Rank 0, after it gave the order to sleep before a push: the share of a core that the generator, all its threads
/// together, takes while its trainers sleep.
double measure_idle_generator(Job& job, const Order& order);

/// A peer: a trainer of either, or a generator that does not lead.
void take_part_in_exchange(Job& job, const Order& order);

}  // namespace runnel
