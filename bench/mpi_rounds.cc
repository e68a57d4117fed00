// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/mpi_rounds.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>

#include "runtime/base/steady_clock.h"

namespace runnel {
namespace {

constexpr std::chrono::seconds kTimeout{30};

/// Collective: a list of every trainer, empty in the generators' place. All ranks run the same program: intervals
/// travel as they lie in memory.
std::vector<std::vector<Interval>> gather(Job& job, const std::vector<Interval>& mine) {
  const auto blobs = job.bootstrap().all_gather(std::as_bytes(std::span(mine)), Deadline::after(kTimeout));
  std::vector<std::vector<Interval>> all;
  for (int trainer = 0; trainer < job.group().trainers(); ++trainer) {
    const auto& blob = blobs[static_cast<std::size_t>(job.group().trainer(trainer).rank)];
    all.emplace_back(blob.size() / sizeof(Interval));
    if (!blob.empty()) std::memcpy(all.back().data(), blob.data(), blob.size());
  }
  return all;
}

}  // namespace

MpiRounds::MpiRounds(const Job& job, std::size_t floats) : mine_(floats), sum_(floats) {
  if (!job.has_mpi()) return;
  const Peer& self = job.group().self();
  MPI_Comm_split(MPI_COMM_WORLD, self.role == Role::generator ? MPI_UNDEFINED : 0, self.rank, &trainers_);
}

MpiRounds::~MpiRounds() {
  if (trainers_ != MPI_COMM_NULL) MPI_Comm_free(&trainers_);
}

void MpiRounds::barrier() {
  if (trainers_ != MPI_COMM_NULL) MPI_Barrier(trainers_);
}

void MpiRounds::run(int round, TrainerTimes& times) {
  if (trainers_ == MPI_COMM_NULL) return;
  const int count = static_cast<int>(mine_.size());
  times.all_reduces.push_back(
      timed(round, [&] { MPI_Allreduce(mine_.data(), sum_.data(), count, MPI_FLOAT, MPI_SUM, trainers_); }));
  times.reduce_bcasts.push_back(timed(round, [&] {
    MPI_Reduce(mine_.data(), sum_.data(), count, MPI_FLOAT, MPI_SUM, 0, trainers_);
    MPI_Bcast(sum_.data(), count, MPI_FLOAT, 0, trainers_);
  }));
}

template <class Collective>
Interval MpiRounds::timed(int round, Collective&& collective) {
  std::ranges::fill(mine_, gradient_of(round));
  MPI_Barrier(trainers_);
  const std::int64_t begin = steady_ns();
  collective();
  const Interval interval{begin, steady_ns()};
  MPI_Barrier(trainers_);
  return interval;
}

std::vector<double> slowest_ms(Job& job, const std::vector<Interval>& mine, std::size_t warm_up) {
  const auto all = gather(job, mine);
  std::vector<double> times;
  for (std::size_t round = warm_up; round < all.front().size(); ++round) {
    Interval last{0, 0};
    std::int64_t longest = 0;
    for (const auto& trainer : all) {
      last = {std::max(last.begin, trainer[round].begin), std::max(last.end, trainer[round].end)};
      longest = std::max(longest, trainer[round].end - trainer[round].begin);
    }
    times.push_back(static_cast<double>(job.one_host() ? last.end - last.begin : longest) * 1e-6);
  }
  return times;
}

}  // namespace runnel
