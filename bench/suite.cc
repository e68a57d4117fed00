// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "bench/suite.h"

#include <utility>

namespace runnel {

std::vector<Path> paths(const Job& job) {
  if (const auto only = job.config().transport.path) return {*only};
  return {Path::mapped, Path::one_sided, Path::emulated};
}

benchmark::internal::Benchmark* add(const std::string& name, std::function<void(benchmark::State&)> body,
                                    Timing timing) {
  const auto or_skip = [body = std::move(body)](benchmark::State& state) {
    try {
      body(state);
    } catch (const Impossible& reason) {
      state.SkipWithError(reason.what());
    }
  };
  auto* registered = benchmark::RegisterBenchmark(name.c_str(), or_skip);
  return timing == Timing::manual ? registered->UseManualTime() : registered->UseRealTime();
}

}  // namespace runnel
