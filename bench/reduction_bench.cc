// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// How close is the generator's one pass over memory, sum and Adadelta, to what memcpy moves? The floor is (N + 6) M
// bytes: N gradients are read, parameters and two states read and written.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "bench/page_floats.h"
#include "bench/suite.h"
#include "runtime/reduction/host_reducer.h"

namespace runnel {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kFloats = kReferenceBytes / sizeof(float);

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// One step, and memcpy of M by turns, so that both see the same machine. memcpy moves two bytes for each that it
/// copies.
void reduction(benchmark::State& state, std::size_t trainers) {
  HostReducer reducer({kFloats}, OptimizerConfig{}, 1, SumTree(deal_seats(trainers, trainers)));
  const std::vector<PageFloats> gradients(trainers, PageFloats(kFloats, 1e-3F));
  std::vector<const float*> starts;
  for (const auto& gradient : gradients) starts.push_back(gradient.data());
  PageFloats in(kFloats, 0.5F);
  PageFloats out(kFloats);
  std::int64_t step = 0;
  double copying = 0;
  double stepping = 0;
  for (auto iteration : state) {
    (void)iteration;
    const auto copy_begin = Clock::now();
    std::memcpy(out.data(), in.data(), kReferenceBytes);
    benchmark::ClobberMemory();
    copying += seconds_since(copy_begin);
    const auto begin = Clock::now();
    reducer.begin_step(0.1, ++step, in.data(), out.data(), starts);
    reducer.reduce({0, kReferenceBytes});
    reducer.finish_step();
    const double time = seconds_since(begin);
    stepping += time;
    state.SetIterationTime(time);
    std::swap(in, out);
  }
  const double steps = static_cast<double>(state.iterations());
  const double moved = static_cast<double>((trainers + 6) * kReferenceBytes) * steps;
  const double copy_rate = 2.0 * static_cast<double>(kReferenceBytes) * steps / copying;
  state.SetBytesProcessed(static_cast<std::int64_t>(moved));
  state.counters["memcpy_bytes_per_second"] = copy_rate;
  state.counters["time_over_floor"] = stepping / (moved / copy_rate);
}

}  // namespace

void register_reduction() {
  for (const std::size_t trainers : {1, 2, 4, 8}) {
    add(
        "reduction/trainers:" + std::to_string(trainers),
        [trainers](benchmark::State& state) { reduction(state, trainers); }, Timing::manual)
        ->Unit(benchmark::kMillisecond);
  }
}

}  // namespace runnel
