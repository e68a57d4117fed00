// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How long is a round of bells, with a payload in front of one, and of bells from N peers? All sides wait as in a run:
// they poll, yield and then sleep.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "bench/suite.h"
#include "bench/wiring.h"

namespace runnel {
namespace {

/// Rank 0 puts the payload and rings; the peer receives the bell and rings back.
void put_and_bell_round_trip(benchmark::State& state, Job& job, Path path, std::uint64_t bytes) {
  const Order order{.task = Task::echo_bells, .path = path, .bytes = bytes};
  job.send(order);
  Wiring wiring(job, order);
  wiring.fill_payload();
  std::uint64_t round = Wiring::kReady;
  const auto round_trip = [&] {
    wiring.put_payload_and_ring(0, ++round);
    wiring.wait_until([&] { return wiring.bell(0) == round; });
  };
  repeat(state, round_trip);
  state.SetLabel(wiring.description());
  wiring.disconnect(true);
}

/// Rank 0 rings all its peers; each rings back.
void bell_fan_in(benchmark::State& state, Job& job, Path path, int peers) {
  const Order order{.task = Task::echo_bells, .path = path, .peers = peers};
  job.send(order);
  Wiring wiring(job, order);
  std::uint64_t round = Wiring::kReady;
  std::size_t heard = 0;
  const auto fan_in = [&] {
    ++round;
    for (std::size_t peer = 0; peer < wiring.partners(); ++peer) wiring.ring(peer, round);
    heard = 0;
    wiring.wait_until([&] {
      while (heard < wiring.partners() && wiring.bell(heard) == round) ++heard;
      return heard == wiring.partners();
    });
  };
  repeat(state, fan_in);
  state.counters["per_peer"] = time_of_one(peers);
  state.SetLabel(wiring.description());
  wiring.disconnect(true);
}

}  // namespace

void register_bell(Job& job) {
  for (const Path path : paths(job)) {
    const std::string name(to_string(path));
    for (const std::uint64_t bytes : {std::uint64_t{8}, std::uint64_t{64} << 10, kReferenceBytes}) {
      add("put_and_bell_round_trip/" + name + "/bytes:" + std::to_string(bytes),
          [&job, path, bytes](benchmark::State& state) { put_and_bell_round_trip(state, job, path, bytes); });
    }
    for (const int peers : {1, 2, 4, 8}) {
      add("bell_fan_in/" + name + "/peers:" + std::to_string(peers),
          [&job, path, peers](benchmark::State& state) { bell_fan_in(state, job, path, peers); });
    }
  }
}

}  // namespace runnel
