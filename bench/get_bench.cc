// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long does a get of 8 bytes take, and how many bytes a second do gets of a size move?
#include <benchmark/benchmark.h>

#include "bench/suite.h"
#include "bench/wiring.h"

namespace runnel {
namespace {

/// Batches of `gets` gets of `bytes`, from a peer that polls; the last one's bytes are checked.
void get(benchmark::State& state, Job& job, Path path, std::uint64_t bytes, std::uint64_t gets) {
  const Order order{.task = Task::provide, .path = path, .bytes = bytes};
  job.send(order);
  Wiring wiring(job, order);
  wiring.poll_until([&] { return wiring.bell(0) >= Wiring::kReady; });
  const auto batch = [&] {
    for (std::uint64_t i = 0; i < gets; ++i) wiring.get_payload(0);
    wiring.complete_all();
  };
  warm_up(batch);
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(gets))) batch();
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
  state.SetLabel(wiring.description());
  wiring.disconnect(wiring.payload_is_right());
}

}  // namespace

void register_get(Job& job) {
  for (const Path path : paths(job)) {
    const std::string name(to_string(path));
    add("get_latency/" + name, [&job, path](benchmark::State& state) { get(state, job, path, 8, 1); });
    for (const std::uint64_t bytes : kPayloads) {
      add("get_bandwidth/" + name + "/bytes:" + std::to_string(bytes),
          [&job, path, bytes](benchmark::State& state) { get(state, job, path, bytes, puts_in_a_batch(bytes)); });
    }
  }
}

}  // namespace runnel
