// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/exchange_rounds.h"

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>
#include <thread>

#include "runtime/bucket_layout.h"
#include "runtime/digest.h"
#include "runtime/generator.h"
#include "runtime/trainer_client.h"

namespace runnel {
namespace {

constexpr int kWarmUpRounds = 10;
constexpr int kRounds = 300;
constexpr int kRoundsBetweenHosts = 50;  // which take a hundred times as long
constexpr double kLearningRate = 0.1;
constexpr std::chrono::seconds kPatience{30};
constexpr std::chrono::seconds kSleep{2};

/// On one host every path can be forced; between hosts, UCX takes the best unless TCP is asked for. What the file
/// requires of a run does not end a benchmark of another path.
Config config_for(const Job& job, const Order& order) {
  Config config = job.config();
  const bool forced = job.one_host() || order.path == Path::emulated;
  config.transport.path = forced ? to_string(order.path) : "auto";
  config.transport.require = "any";
  return config;
}

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
                      static_cast<std::size_t>(config.transport.bucket_bytes),
                      static_cast<std::size_t>(config.generator.count));
}

/// When a trainer began and ended one collective, in ns of the host's clock.
struct Interval {
  std::int64_t begin;
  std::int64_t end;
};

/// What a trainer tells after the rounds.
struct TrainerTimes {
  std::vector<Interval> all_reduces;
  std::vector<Interval> reduce_bcasts;
};

/// As a backward pass does: a write of every gradient, just before it is handed over.
void write_gradients(std::span<float> gradients, int round) {
  std::fill(gradients.begin(), gradients.end(), 1e-3F * static_cast<float>(round % 7 - 3));
}

/// The collectives of MPI that do what an exchange does, among the trainers. Nothing without MPI.
class MpiRounds {
 public:
  MpiRounds(const Job& job, std::size_t floats) : mine_(floats), sum_(floats) {
    if (!job.has_mpi()) return;
    const Peer& self = job.group().self();
    MPI_Comm_split(MPI_COMM_WORLD, self.role == Role::generator ? MPI_UNDEFINED : 0, self.rank, &trainers_);
  }
  ~MpiRounds() {
    if (trainers_ != MPI_COMM_NULL) MPI_Comm_free(&trainers_);
  }
  MpiRounds(const MpiRounds&) = delete;
  MpiRounds& operator=(const MpiRounds&) = delete;

  /// So that trainers begin together, and none begins its next write on the core that a slower one still needs.
  void barrier() {
    if (trainers_ != MPI_COMM_NULL) MPI_Barrier(trainers_);
  }

  void run(int round, TrainerTimes& times) {
    if (trainers_ == MPI_COMM_NULL) return;
    const int count = static_cast<int>(mine_.size());
    times.all_reduces.push_back(
        timed(round, [&] { MPI_Allreduce(mine_.data(), sum_.data(), count, MPI_FLOAT, MPI_SUM, trainers_); }));
    times.reduce_bcasts.push_back(timed(round, [&] {
      MPI_Reduce(mine_.data(), sum_.data(), count, MPI_FLOAT, MPI_SUM, 0, trainers_);
      MPI_Bcast(sum_.data(), count, MPI_FLOAT, 0, trainers_);
    }));
  }

 private:
  template <class Collective>
  Interval timed(int round, Collective&& collective) {
    write_gradients(mine_, round);
    MPI_Barrier(trainers_);
    const std::int64_t begin = steady_ns();
    collective();
    const Interval interval{begin, steady_ns()};
    MPI_Barrier(trainers_);
    return interval;
  }

  MPI_Comm trainers_ = MPI_COMM_NULL;
  std::vector<float> mine_;
  std::vector<float> sum_;
};

/// From the last begin to the last end of each round, as for the exchange; `all` has a list a trainer. Between hosts,
/// whose clocks differ, the longest of the trainers' own times: they begin together.
std::vector<double> slowest_ms(const std::vector<std::vector<Interval>>& all, bool one_clock) {
  std::vector<double> times;
  for (std::size_t round = kWarmUpRounds; round < all.front().size(); ++round) {
    Interval last{0, 0};
    std::int64_t longest = 0;
    for (const auto& trainer : all) {
      last = {std::max(last.begin, trainer[round].begin), std::max(last.end, trainer[round].end)};
      longest = std::max(longest, trainer[round].end - trainer[round].begin);
    }
    times.push_back(static_cast<double>(one_clock ? last.end - last.begin : longest) * 1e-6);
  }
  return times;
}

/// Collective: a list of every trainer, empty in the generators' place. All ranks run the same program: intervals
/// travel as they lie in memory.
std::vector<std::vector<Interval>> gather(Job& job, const std::vector<Interval>& mine) {
  const auto blobs = job.bootstrap().all_gather(std::as_bytes(std::span(mine)), Deadline::after(kPatience));
  std::vector<std::vector<Interval>> all;
  for (int trainer = 0; trainer < job.group().trainers(); ++trainer) {
    const auto& blob = blobs[static_cast<std::size_t>(job.group().trainer(trainer).rank)];
    all.emplace_back(blob.size() / sizeof(Interval));
    if (!blob.empty()) std::memcpy(all.back().data(), blob.data(), blob.size());
  }
  return all;
}

Sha256 digest_of(std::span<const float> parameters) {
  return sha256(std::as_bytes(parameters));
}

/// Collective, when no exchange is under way any more: the lead generator and all trainers must end with the same
/// parameters. Throws `RunError` on every rank when one does not.
void require_same(Job& job, const Sha256& mine) {
  const auto digests = job.bootstrap().all_gather(mine, Deadline::after(kPatience));
  for (int trainer = 0; trainer < job.group().trainers(); ++trainer) {
    const int rank = job.group().trainer(trainer).rank;
    if (digests[static_cast<std::size_t>(rank)] == digests[0]) continue;
    throw RunError(ExitStatus::internal,
                   "rank " + std::to_string(rank) + " ends with other parameters than the generator; this is a bug");
  }
}

void start(Generator& generator, const BucketLayout& layout) {
  generator.reserve(kWarmUpRounds + kRounds);
  generator.publish_start(std::vector<float>(layout.float_count(), 0.5F));
}

void end(Job& job, Generator& generator) {
  generator.collect_evaluation();
  const Sha256 digest = digest_of(generator.collect_parameters());
  generator.leave();
  require_same(job, digest);
}

int rounds_of(const Job& job, const Order& order) {
  if (order.task == Task::sleep_before_push) return 2;
  return kWarmUpRounds + (job.one_host() ? kRounds : kRoundsBetweenHosts);
}

/// All rounds of a generator that does not lead.
void run_shard(Job& job, const Order& order) {
  const Config config = config_for(job, order);
  const BucketLayout layout = reference_layout(config);
  Generator generator(job.bootstrap(), job.group(), layout, config, Deadline::after(kPatience));
  const MpiRounds mpi(job, 0);
  start(generator, layout);
  for (int round = 0; round < rounds_of(job, order); ++round) generator.step(kLearningRate);
  generator.leave();
}

/// CPU time of this process, all threads, in seconds.
double cpu_seconds() {
  timespec time = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// All rounds of a trainer; gives the digest of the parameters that it ends with.
Sha256 run_trainer(Job& job, const Order& order, TrainerTimes& times) {
  const Config config = config_for(job, order);
  const BucketLayout layout = reference_layout(config);
  TrainerClient trainer(job.bootstrap(), job.group(), layout, config, Deadline::after(kPatience));
  const bool sleeps = order.task == Task::sleep_before_push;
  std::optional<MpiRounds> mpi;
  if (!sleeps) mpi.emplace(job, layout.float_count());
  trainer.pull();
  for (int round = 0; round < rounds_of(job, order); ++round) {
    if (mpi) mpi->run(round, times);
    write_gradients(trainer.gradients(trainer.slot()), round);
    if (mpi) mpi->barrier();
    if (sleeps && round > 0) std::this_thread::sleep_for(kSleep);
    trainer.push({.loss = 0, .samples = 1, .staged_bytes = 0});
    trainer.pull();
    if (mpi) mpi->barrier();
  }
  const Sha256 digest = digest_of(trainer.parameters(trainer.buffer()));
  trainer.report_evaluation(0, 0, 1);
  trainer.leave();
  return digest;
}

}  // namespace

ExchangeTimes measure_exchange(Job& job, const Order& order) {
  const Config config = config_for(job, order);
  const BucketLayout layout = reference_layout(config);
  ExchangeTimes times;
  {
    Generator generator(job.bootstrap(), job.group(), layout, config, Deadline::after(kPatience));
    const MpiRounds mpi(job, 0);
    times.path = generator.trainers().front().paths.front();
    start(generator, layout);
    for (int round = 0; round < rounds_of(job, order); ++round) generator.step(kLearningRate);
    end(job, generator);
    const auto& all = generator.timings().exchange_ms;
    times.exchange_ms.assign(all.begin() + kWarmUpRounds, all.end());
  }
  times.all_reduce_ms = slowest_ms(gather(job, {}), job.one_host());
  times.reduce_bcast_ms = slowest_ms(gather(job, {}), job.one_host());
  return times;
}

double measure_idle_generator(Job& job, const Order& order) {
  const Config config = config_for(job, order);
  const BucketLayout layout = reference_layout(config);
  Generator generator(job.bootstrap(), job.group(), layout, config, Deadline::after(kPatience));
  start(generator, layout);
  generator.step(kLearningRate);
  const std::int64_t begin = steady_ns();
  const double cpu_begin = cpu_seconds();
  generator.step(kLearningRate);
  const double share = (cpu_seconds() - cpu_begin) / (static_cast<double>(steady_ns() - begin) * 1e-9);
  end(job, generator);
  return share;
}

void take_part_in_exchange(Job& job, const Order& order) {
  TrainerTimes times;
  // A generator parts from a trainer that is gone: no collective before it is.
  Sha256 digest{};
  if (job.group().self().role == Role::trainer) {
    digest = run_trainer(job, order, times);
  } else {
    run_shard(job, order);
  }
  require_same(job, digest);
  if (order.task == Task::sleep_before_push) return;
  gather(job, times.all_reduces);
  gather(job, times.reduce_bcasts);
}

}  // namespace runnel
