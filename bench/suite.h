// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/job.h"
#include "transport/deadline.h"

namespace runnel {

/// M: the tensors of the reference CNN.
inline constexpr std::uint64_t kReferenceBytes = 4'799'528;

/// The tensors of model.name = "mnist-mlp".
inline constexpr std::uint64_t kLargeBytes = 121'159'720;

/// 4 KiB … 64 MiB by factors of 4, and M.
inline const std::vector<std::uint64_t> kPayloads = {4 << 10, 16 << 10,        64 << 10, 256 << 10, 1 << 20,
                                                     4 << 20, kReferenceBytes, 16 << 20, 64 << 20};

/// Transfers before one flush: enough to make its cost negligible, and less than a second over TCP.
inline std::uint64_t puts_in_a_batch(std::uint64_t bytes) {
  return std::clamp<std::uint64_t>((std::uint64_t{64} << 20) / bytes, 1, 1024);
}

/// The paths to measure: all, or the one that the configuration's transport.path names.
std::vector<Path> paths(const Job& job);

/// The time that a benchmark reports: of the loop, or as the body sets it with SetIterationTime.
enum class Timing : std::uint8_t { real, manual };

/// Repeats `body` for a tenth of a second: until caches are warm, and the scheduler has moved two processes that have
/// just woken each other to cores of their own.
template <class Body>
void warm_up(Body&& body) {
  const Deadline deadline = Deadline::after(std::chrono::milliseconds(100));
  while (!deadline.expired()) body();
}

/// Measures `body`, after a warm-up.
template <class Body>
void repeat(benchmark::State& state, Body&& body) {
  warm_up(body);
  for (auto iteration : state) {
    (void)iteration;
    body();
  }
}

/// How long one of `count` equal parts of a repetition takes, as a counter in seconds.
inline benchmark::Counter time_of_one(int count) {
  return {static_cast<double>(count), benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert};
}

/// Registers `body` as a benchmark of that name. Where it throws `Impossible` the benchmark is skipped with the reason.
benchmark::internal::Benchmark* add(const std::string& name, std::function<void(benchmark::State&)> body,
                                    Timing timing = Timing::real);

// One question each; the .cc file of the name says which. `job` outlives the benchmarks.
void register_put(Job& job);
void register_get(Job& job);
void register_bell(Job& job);
void register_connect(Job& job);
void register_registration();
void register_reduction();
void register_update_rule();
void register_exchange(Job& job);
void register_device_exchange(Job& job);
void register_device_reduction();
void register_mpi_put(Job& job);

}  // namespace runnel
