// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// What does memory for peers cost: a slab that UCX allocates, against its size, and memory at hand that is registered,
// against size and count of its pieces? A run does this once a slab, before the first step.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "bench/suite.h"
#include "transport/context.h"
#include "transport/slab.h"

namespace runnel {
namespace {

/// Allocates, zeroes, registers and packs the key; and gives it all back, which is part of the time.
void allocate_slab(benchmark::State& state, std::uint64_t bytes) {
  Context context({});
  for (auto iteration : state) {
    (void)iteration;
    const Slab slab = Slab::allocate(context, bytes);
    benchmark::DoNotOptimize(slab.descriptor());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

/// Registers `bytes` of warm memory in `count` pieces, packs their keys, and gives them back.
void register_memory(benchmark::State& state, std::uint64_t bytes, std::uint64_t count) {
  Context context({});
  std::vector<std::byte> memory(bytes);
  std::vector<Slab> slabs;
  slabs.reserve(count);
  for (auto iteration : state) {
    (void)iteration;
    for (std::uint64_t piece = 0; piece < count; ++piece) {
      const auto part = std::span(memory).subspan(piece * (bytes / count), bytes / count);
      slabs.push_back(Slab::register_memory(context, part));
      benchmark::DoNotOptimize(slabs.back().descriptor());
    }
    slabs.clear();
  }
}

}  // namespace

void register_registration() {
  for (const std::uint64_t bytes : {std::uint64_t{64} << 10, std::uint64_t{1} << 20, kReferenceBytes,
                                    std::uint64_t{64} << 20, std::uint64_t{256} << 20}) {
    add("allocate_slab/bytes:" + std::to_string(bytes),
        [bytes](benchmark::State& state) { allocate_slab(state, bytes); });
    for (const std::uint64_t count : {1, 8, 64}) {
      add("register_memory/bytes:" + std::to_string(bytes) + "/count:" + std::to_string(count),
          [bytes, count](benchmark::State& state) { register_memory(state, bytes, count); });
    }
  }
}

}  // namespace runnel
