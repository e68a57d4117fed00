// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/exchange_rounds.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <span>
#include <thread>

#include "bench/exchange_place.h"
#include "bench/mpi_rounds.h"
#include "runtime/base/digest.h"
#include "runtime/base/steady_clock.h"
#include "runtime/client/trainer_client.h"
#include "runtime/generator/generator.h"

namespace runnel {
namespace {

constexpr int kWarmUpRounds = 10;
constexpr int kRounds = 300;
constexpr int kFewRounds = 50;  // between hosts and of large tensors, which take a hundred times as long
constexpr double kLearningRate = 0.1;
constexpr std::chrono::seconds kTimeout{30};
constexpr std::chrono::seconds kSleep{2};

Sha256 digest_of(std::span<const float> parameters) {
  return sha256(std::as_bytes(parameters));
}

/// Collective, when no exchange is under way any more: the lead generator and all trainers must end with the same
/// parameters. Throws `RunError` on every rank when one does not.
void require_same(Job& job, const Sha256& mine) {
  const auto digests = job.bootstrap().all_gather(mine, Deadline::after(kTimeout));
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
  return kWarmUpRounds + (job.one_host() && !order.large ? kRounds : kFewRounds);
}

/// All rounds of a generator that does not lead.
void run_shard(Job& job, const Order& order) {
  ExchangePlace place(job, order);
  Generator generator(job.bootstrap(), place.group(), place.layout(), place.config(), Deadline::after(kTimeout),
                      {.device = place.device()});
  const MpiRounds mpi(job, 0);
  start(generator, place.layout());
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
  ExchangePlace place(job, order);
  TrainerClient trainer(job.bootstrap(), place.group(), place.layout(), place.config(), Deadline::after(kTimeout),
                        {.device = place.device()});
  const bool sleeps = order.task == Task::sleep_before_push;
  std::optional<MpiRounds> mpi;
  if (!sleeps) mpi.emplace(job, place.layout().float_count());
  trainer.pull();
  for (int round = 0; round < rounds_of(job, order); ++round) {
    if (mpi) mpi->run(round, times);
    place.fill(trainer.gradients(trainer.slot()), gradient_of(round));
    if (mpi) mpi->barrier();
    if (sleeps && round > 0) std::this_thread::sleep_for(kSleep);
    trainer.push({.loss = 0, .samples = 1, .staged_bytes = 0});
    trainer.pull();
    if (mpi) mpi->barrier();
  }
  const Sha256 digest = digest_of(place.on_host(trainer.parameters(trainer.buffer())));
  trainer.report_evaluation({.samples = 1, .loss = {}, .metrics = {}});
  trainer.leave();
  return digest;
}

}  // namespace

ExchangeTimes measure_exchange(Job& job, const Order& order) {
  ExchangePlace place(job, order);
  ExchangeTimes times;
  {
    Generator generator(job.bootstrap(), place.group(), place.layout(), place.config(), Deadline::after(kTimeout),
                        {.device = place.device()});
    const MpiRounds mpi(job, 0);
    times.path = generator.trainer_facts().front().paths.front();
    start(generator, place.layout());
    for (int round = 0; round < rounds_of(job, order); ++round) generator.step(kLearningRate);
    end(job, generator);
    const auto& all = generator.timings().exchange_ms;
    times.exchange_ms.assign(all.begin() + kWarmUpRounds, all.end());
  }
  times.all_reduce_ms = slowest_ms(job, {}, kWarmUpRounds);
  times.reduce_bcast_ms = slowest_ms(job, {}, kWarmUpRounds);
  return times;
}

double measure_idle_generator(Job& job, const Order& order) {
  ExchangePlace place(job, order);
  Generator generator(job.bootstrap(), place.group(), place.layout(), place.config(), Deadline::after(kTimeout),
                      {.device = place.device()});
  start(generator, place.layout());
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
  // A generator must disconnect from its trainers before they call a collective.
  Sha256 digest{};
  if (job.group().self().role == Role::trainer) {
    digest = run_trainer(job, order, times);
  } else {
    run_shard(job, order);
  }
  require_same(job, digest);
  if (order.task == Task::sleep_before_push) return;
  slowest_ms(job, times.all_reduces, kWarmUpRounds);
  slowest_ms(job, times.reduce_bcasts, kWarmUpRounds);
}

}  // namespace runnel
