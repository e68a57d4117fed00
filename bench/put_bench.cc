// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long does a put of 8 bytes take to be seen by the peer, and how many bytes a second do puts of a size move?
#include <benchmark/benchmark.h>

#include "bench/suite.h"
#include "bench/wiring.h"

namespace runnel {
namespace {

/// A ping-pong of puts of one word between two processes that poll; half of a round trip, as in ucx_perftest.
void put_latency(benchmark::State& state, Job& job, Path path) {
  const Order order{.task = Task::echo_words, .path = path};
  job.send(order);
  Wiring wiring(job, order);
  std::uint64_t round = 0;
  const auto round_trip = [&] {
    wiring.put_word(0, ++round);
    wiring.poll_until([&] { return wiring.word(0) == round; });
  };
  repeat(state, round_trip);
  state.counters["latency"] = time_of_one(2);
  state.SetLabel(wiring.description());
  wiring.disconnect(true);
}

/// Puts back to back, then a bell behind them all: the mean over a batch, its flush included.
void put_bandwidth(benchmark::State& state, Job& job, Path path, std::uint64_t bytes) {
  const Order order{.task = Task::receive, .path = path, .bytes = bytes};
  job.send(order);
  Wiring wiring(job, order);
  wiring.fill_payload();
  const std::uint64_t puts = puts_in_a_batch(bytes);
  std::uint64_t value = Wiring::kReady;
  const auto batch = [&] {
    for (std::uint64_t put = 0; put + 1 < puts; ++put) wiring.put_payload(0);
    wiring.put_payload_and_ring(0, ++value);
    wiring.complete_all();
  };
  warm_up(batch);
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(puts))) batch();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.SetLabel(wiring.description());
  wiring.disconnect(true);
}

}  // namespace

void register_put(Job& job) {
  for (const Path path : paths(job)) {
    const std::string name(to_string(path));
    add("put_latency/" + name, [&job, path](benchmark::State& state) { put_latency(state, job, path); });
    for (const std::uint64_t bytes : kPayloads) {
      add("put_bandwidth/" + name + "/bytes:" + std::to_string(bytes),
          [&job, path, bytes](benchmark::State& state) { put_bandwidth(state, job, path, bytes); });
    }
  }
}

}  // namespace runnel
