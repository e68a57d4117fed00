// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long does rank 0 take to connect to N peers at once, first bells both ways included?
#include <benchmark/benchmark.h>

#include "bench/suite.h"
#include "bench/wiring.h"

namespace runnel {
namespace {

constexpr int kConnections = 5;

void connect(benchmark::State& state, Job& job, Path path, int peers) {
  const Order order{.task = Task::receive, .path = path, .peers = peers};
  for (auto iteration : state) {
    (void)iteration;
    job.send(order);
    Wiring wiring(job, order);
    state.SetIterationTime(wiring.connect_time().count());
    state.SetLabel(wiring.description());
    wiring.disconnect(true);
  }
}

}  // namespace

void register_connect(Job& job) {
  for (const Path path : paths(job)) {
    for (const int peers : {1, 2, 4, 8}) {
      add(
          "connect/" + std::string(to_string(path)) + "/peers:" + std::to_string(peers),
          [&job, path, peers](benchmark::State& state) { connect(state, job, path, peers); }, Timing::manual)
          ->Iterations(kConnections)
          ->Unit(benchmark::kMillisecond);
    }
  }
}

}  // namespace runnel
