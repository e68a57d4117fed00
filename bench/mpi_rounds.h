// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/job.h"

namespace runnel {

/// When a trainer began and ended one collective, in ns of the host's clock.
struct Interval {
  std::int64_t begin;
  std::int64_t end;
};

/// A trainer's results.
struct TrainerTimes {
  std::vector<Interval> all_reduces;
  std::vector<Interval> reduce_bcasts;
};

/// The value of all of a trainer's gradients in `round`.
inline float gradient_of(int round) {
  return 1e-3F * static_cast<float>(round % 7 - 3);
}

/// MPI's collectives with the same effect as an exchange, among the trainers, in host memory. Does nothing without MPI.
class MpiRounds {
 public:
  /// Collective, also for generators, which call nothing else here. `floats`: length of a gradient.
  MpiRounds(const Job& job, std::size_t floats);
  ~MpiRounds();
  MpiRounds(const MpiRounds&) = delete;
  MpiRounds& operator=(const MpiRounds&) = delete;

  /// A barrier, so that trainers begin together and none starts its next write on a core that a slower one still needs.
  void barrier();

  /// Runs each collective once, each after writing every gradient as a backward pass does.
  void run(int round, TrainerTimes& times);

 private:
  template <class Collective>
  Interval timed(int round, Collective&& collective);

  MPI_Comm trainers_ = MPI_COMM_NULL;
  std::vector<float> mine_;
  std::vector<float> sum_;
};

/// Collective, after the rounds: of each round, without the first `warm_up`, from the last trainer's begin to the last
/// one's end, in ms. Between hosts, whose clocks differ, the longest of the trainers' own times: they begin together.
/// `mine`: empty on a generator.
std::vector<double> slowest_ms(Job& job, const std::vector<Interval>& mine, std::size_t warm_up);

}  // namespace runnel
