// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long is it from the last gradient being ready to the new parameters being usable by all trainers, sum and
// optimizer included, against MPI_Allreduce of the same bytes without an optimizer? bench/README.md defines every
// number.
#include <benchmark/benchmark.h>
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "bench/job.h"
#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/digest.h"
#include "runtime/generator.h"
#include "runtime/peer_group.h"
#include "runtime/report.h"
#include "runtime/trainer_client.h"

namespace runnel {
namespace {

constexpr int kWarmUpRounds = 10;
constexpr int kRounds = 300;

/// The tensors of the reference CNN: M = 4 799 528 bytes.
BucketLayout reference_layout(const Config& config) {
  return BucketLayout({{"conv1.weight", {32, 1, 3, 3}},
                       {"conv1.bias", {32}},
                       {"conv2.weight", {64, 32, 3, 3}},
                       {"conv2.bias", {64}},
                       {"fc1.weight", {128, 9216}},
                       {"fc1.bias", {128}},
                       {"fc2.weight", {10, 128}},
                       {"fc2.bias", {10}}},
                      static_cast<std::size_t>(config.transport.bucket_bytes));
}

/// When a trainer began and ended one all-reduce, in ns of the host's clock.
struct Interval {
  std::int64_t begin;
  std::int64_t end;
};

/// What rank 0 knows after the rounds, in ms, without the warm-up.
struct Timings {
  std::vector<double> exchange;
  std::vector<double> all_reduce;
};

/// As a backward pass does: a write of every gradient, just before it is handed over.
void write_gradients(std::span<float> gradients, int round) {
  std::fill(gradients.begin(), gradients.end(), 1e-3F * static_cast<float>(round % 7 - 3));
}

/// One all-reduce and one exchange a round, by turns; a barrier of the trainers before each, so that they begin
/// together.
std::vector<Interval> trainer_rounds(TrainerClient& exchange, MPI_Comm trainers, const BucketLayout& layout) {
  std::vector<Interval> all_reduces;
  std::vector<float> mine(layout.float_count());
  std::vector<float> sum(layout.float_count());
  exchange.pull();
  for (int round = 0; round < kWarmUpRounds + kRounds; ++round) {
    write_gradients(mine, round);
    MPI_Barrier(trainers);
    const std::int64_t begin = steady_ns();
    MPI_Allreduce(mine.data(), sum.data(), static_cast<int>(mine.size()), MPI_FLOAT, MPI_SUM, trainers);
    all_reduces.push_back({begin, steady_ns()});

    write_gradients(exchange.gradients(exchange.slot()), round);
    MPI_Barrier(trainers);
    exchange.push({.loss = 0, .samples = 1, .staged_bytes = 0});
    exchange.pull();
  }
  exchange.report_evaluation(0, 0, 1);
  exchange.leave();
  return all_reduces;
}

std::vector<double> generator_rounds(Generator& exchange) {
  std::fill(exchange.parameters().begin(), exchange.parameters().end(), 0.5F);
  exchange.reserve(kWarmUpRounds + kRounds);
  exchange.publish_start();
  for (int round = 0; round < kWarmUpRounds + kRounds; ++round) exchange.step(0.1);
  exchange.collect_evaluation();
  exchange.leave();
  return exchange.timings().exchange_ms;
}

/// From the last begin to the last end of each round, as for the exchange.
std::vector<double> slowest(const std::vector<Interval>& all, int trainers) {
  const std::size_t rounds = all.size() / static_cast<std::size_t>(trainers);
  std::vector<double> times;
  for (std::size_t round = 0; round < rounds; ++round) {
    Interval last{0, 0};
    for (std::size_t at = round; at < all.size(); at += rounds) {
      last = {std::max(last.begin, all[at].begin), std::max(last.end, all[at].end)};
    }
    times.push_back(static_cast<double>(last.end - last.begin) * 1e-6);
  }
  return times;
}

Timings measure(std::string& path) {
  const Deadline deadline = Deadline::after(std::chrono::seconds(30));
  const Config config;
  const BucketLayout layout = reference_layout(config);
  const PeerGroup group = PeerGroup::introduce(job(),
                                               {.device = "cpu",
                                                .runnel_version = "bench",
                                                .ucx_version = ucx_version(),
                                                .layout_fingerprint = to_hex(layout.fingerprint()),
                                                .configuration = canonical_lines(config)},
                                               deadline);
  const int rank = job().rank();
  MPI_Comm trainers = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, rank == 0 ? MPI_UNDEFINED : 0, rank, &trainers);

  Timings timings;
  std::vector<Interval> mine;
  if (rank == 0) {
    Generator exchange(job(), group, layout, config, deadline);
    path = to_string(exchange.trainers().front().path.path);
    timings.exchange = generator_rounds(exchange);
    mine.resize(kWarmUpRounds + kRounds);
  } else {
    TrainerClient exchange(job(), group, layout, config, deadline);
    mine = trainer_rounds(exchange, trainers, layout);
    MPI_Comm_free(&trainers);
  }
  std::vector<Interval> all(mine.size() * static_cast<std::size_t>(job().size()));
  const int bytes = static_cast<int>(mine.size() * sizeof(Interval));
  MPI_Gather(mine.data(), bytes, MPI_BYTE, all.data(), bytes, MPI_BYTE, 0, MPI_COMM_WORLD);
  if (rank == 0) {
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(mine.size()));
    timings.all_reduce = slowest(all, group.trainers());
    timings.exchange.erase(timings.exchange.begin(), timings.exchange.begin() + kWarmUpRounds);
    timings.all_reduce.erase(timings.all_reduce.begin(), timings.all_reduce.begin() + kWarmUpRounds);
  }
  return timings;
}

void exchange_against_all_reduce(benchmark::State& state) {
  std::string path;
  const Timings timings = measure(path);
  std::size_t round = 0;
  for (auto iteration : state) {
    (void)iteration;
    state.SetIterationTime(round < timings.exchange.size() ? timings.exchange[round++] * 1e-3 : 1e-9);
  }
  if (timings.exchange.empty()) return;  // a trainer: rank 0 reports
  const Quantiles ours = quantiles(timings.exchange);
  const Quantiles theirs = quantiles(timings.all_reduce);
  state.SetLabel("trainers=" + std::to_string(job().size() - 1) + " path=" + path);
  state.counters["exchange_min_ms"] = ours.min;
  state.counters["exchange_p50_ms"] = ours.p50;
  state.counters["exchange_p99_ms"] = ours.p99;
  state.counters["mpi_allreduce_min_ms"] = theirs.min;
  state.counters["mpi_allreduce_p50_ms"] = theirs.p50;
  state.counters["mpi_allreduce_p99_ms"] = theirs.p99;
  state.counters["ratio_p50"] = ours.p50 / theirs.p50;
}

BENCHMARK(exchange_against_all_reduce)->Iterations(kRounds)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace runnel
