// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long is it from the last gradient being ready to the new parameters being usable by all trainers, sum and
// optimizer included, against MPI collectives over the same bytes without an optimizer? And what does a generator that
// waits take of a core?
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "bench/exchange_rounds.h"
#include "bench/suite.h"
#include "runtime/telemetry/run_report.h"

namespace runnel {
namespace {

void require_possible(const Job& job, Path path, int trainers) {
  if (trainers < 1) throw Impossible("generator.count leaves no rank to train: start more");
  if (path == Path::mapped && !job.one_host()) throw Impossible("nothing is mapped between hosts");
}

/// Peers of an order that are no trainers.
int other_generators(const Job& job) {
  return static_cast<int>(job.config().generator.count) - 1;
}

void count(benchmark::State& state, const std::string& name, const std::vector<double>& times_ms) {
  if (times_ms.empty()) return;
  const Quantiles found = quantiles(times_ms);
  state.counters[name + "_min_ms"] = found.min;
  state.counters[name + "_p50_ms"] = found.p50;
  state.counters[name + "_p99_ms"] = found.p99;
}

/// Gives the path that was used.
PathReport exchange(benchmark::State& state, Job& job, const Order& order) {
  job.send(order);
  const ExchangeTimes times = measure_exchange(job, order);
  const Quantiles ours = quantiles(times.exchange_ms);
  for (auto iteration : state) {
    (void)iteration;
    state.SetIterationTime(ours.p50 * 1e-3);
  }
  count(state, "exchange", times.exchange_ms);
  count(state, "mpi_allreduce", times.all_reduce_ms);
  count(state, "mpi_reduce_bcast", times.reduce_bcast_ms);
  std::string label = "path=" + std::string(to_string(times.path.path)) + " transports=";
  for (const std::string& transport : times.path.transports) label += transport + ",";
  label.pop_back();
  state.SetLabel(label);
  return times.path;
}

void exchange_over(benchmark::State& state, Job& job, Path path, int trainers) {
  require_possible(job, path, trainers);
  const PathReport used =
      exchange(state, job, {.task = Task::exchange, .path = path, .peers = trainers + other_generators(job)});
  if (used.path == path) return;
  throw Impossible("the path is " + std::string(to_string(used.path)) + ": " + used.reason);
}

void idle_generator(benchmark::State& state, Job& job, Path path, int trainers) {
  require_possible(job, path, trainers);
  const Order order{.task = Task::sleep_before_push, .path = path, .peers = trainers + other_generators(job)};
  job.send(order);
  for (auto iteration : state) {
    (void)iteration;
    state.counters["share_of_a_core"] = measure_idle_generator(job, order);
  }
}

/// Under MPI all ranks take part: the number of trainers is given.
std::vector<int> numbers_of_trainers(const Job& job, std::vector<int> otherwise) {
  if (job.fixed_peers()) return {*job.fixed_peers() - other_generators(job)};
  return otherwise;
}

/// "cuda" or "cpu", as [generator] and [trainer] device.
std::string device_name(bool on_gpu) {
  return on_gpu ? "cuda" : "cpu";
}

}  // namespace

void register_exchange(Job& job) {
  for (const Path path : paths(job)) {
    for (const int count : numbers_of_trainers(job, {1, 2, 4, 8})) {
      const std::string name = std::string(to_string(path)) + "/trainers:" + std::to_string(count);
      add(
          "exchange/" + name, [&job, path, count](benchmark::State& state) { exchange_over(state, job, path, count); },
          Timing::manual)
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
      add("idle_generator/" + name, [&job, path, count](benchmark::State& state) {
        idle_generator(state, job, path, count);
      })->Iterations(1);
    }
  }
}

void register_device_exchange(Job& job) {
  for (const auto& [generator, trainers] : {std::pair{true, true}, {false, true}, {true, false}}) {
    for (const int count : numbers_of_trainers(job, {1, 2, 4})) {
      for (const bool large : {false, true}) {
        const Order order{.task = Task::exchange,
                          .peers = count + other_generators(job),
                          .large = large,
                          .generator_on_gpu = generator,
                          .trainers_on_gpu = trainers};
        add(
            "device_exchange/generator:" + device_name(generator) + "/trainer:" + device_name(trainers) + "/trainers:" +
                std::to_string(count) + "/bytes:" + std::to_string(large ? kLargeBytes : kReferenceBytes),
            [&job, order](benchmark::State& state) { exchange(state, job, order); }, Timing::manual)
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace runnel
