// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/reduction/reducer.h"
#include "runtime/reduction/thread_team.h"
#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Reduces in host memory on the host's cores: the work of a method is complete when it returns.
///
/// Has `threads - 1` parked helpers of its own.
class HostReducer final : public Reducer {
 public:
  /// Allocates and zeroes the optimizer's state and, with clipping, one gradient, both for `floats.optimized`.
  /// `states`: where the state is to lie instead, zeroed, an array for each of `optimizer_states`; outlives this.
  HostReducer(FloatCounts floats, const OptimizerConfig& config, std::size_t threads, SumTree tree,
              BufferRule buffers = BufferRule::average, std::vector<std::span<float>> states = {});

  void begin_step(double lr, std::int64_t step, const float* in, float* out,
                  std::span<const float* const> gradients) override;
  void reduce(ByteRange bucket) override;
  void finish_step() override;
  std::optional<std::size_t> first_nonfinite() const override;
  std::span<const std::span<float>> states() const override { return states_; }

 private:
  struct FreeLines {
    void operator()(float* floats) const;
  };
  using Lines = std::unique_ptr<float[], FreeLines>;  // begins on a cache line

  struct FloatRange {
    std::size_t begin;
    std::size_t end;
  };

  static Lines zeroed_lines(std::size_t float_count);
  FloatRange floats_of_blocks(std::size_t first, std::size_t last) const;
  void reduce_and_update(FloatRange range);
  void average(FloatRange range);
  void sum(FloatRange range, float share, float* sum) const;
  void reduce_and_keep(std::size_t block);
  void update_kept(FloatRange range, float factor);
  void update(std::size_t offset, std::size_t count, const float* gradient);
  void note_nonfinite(std::size_t index);

  std::vector<Lines> own_states_;
  std::vector<std::span<float>> states_;  // these, or memory of somebody else's
  Lines reduced_;                         // the reduced gradient; only with clipping
  std::vector<double> block_squares_;     // its sum of squares per block; only with clipping
  std::atomic<std::size_t> nonfinite_;    // index of the first one in `out_`; floats_.total(): none
  ThreadTeam team_;
};

}  // namespace runnel
