// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/thread_team.h"
#include "runtime/update_rule.h"

namespace runnel {

/// Sums the trainers' gradients and makes the optimizer's step in the same pass over memory.
///
/// The result is the same, bit for bit, for every bucket size, order of buckets and number of threads: gradients are
/// added element by element in trainer order, or with virtual trainers in a balanced binary tree, of which a trainer's
/// gradient is a subtree already; the norm for clipping is summed over fixed blocks in their order.
/// A step allocates nothing. Thread: the one that made it; it has `threads - 1` parked helpers of its own.
class Reducer {
 public:
  /// For `float_count` parameters. Allocates and zeroes the optimizer's state and, with clipping, one gradient.
  /// `virtual_trainers` is trainer.virtual: where it is not 0, the number of gradients is a power of two that divides
  /// it, and a mean is over the virtual trainers.
  Reducer(std::size_t float_count, const OptimizerConfig& config, std::size_t threads,
          std::size_t virtual_trainers = 0);

  /// Begins step `step` (from 1) with learning rate `lr`: from the parameters `in` to the parameters `out`, which do
  /// not overlap and stay valid until finish_step().
  void begin_step(double lr, std::int64_t step, const float* in, float* out);

  /// Adds up one bucket of all gradients; `gradients[i]` is the start of trainer i's whole gradient. On return the
  /// bucket of `out` holds the new parameters, unless clipping is on. Each bucket is reduced once in a step, in any
  /// order.
  void reduce(ByteRange bucket, std::span<const float* const> gradients);

  /// Whether the parameters change only at the end of a step, because the norm of the whole gradient must be known.
  bool clips() const { return clip_norm_ > 0; }

  /// Ends the step: on return all of `out` is written. With clipping, this is where the update happens.
  void finish_step();

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
  void reduce_and_update(FloatRange range, std::span<const float* const> gradients);
  void sum(FloatRange range, std::span<const float* const> gradients, float* sum) const;
  float share_of(std::size_t gradients) const;
  void reduce_and_keep(std::size_t block, std::span<const float* const> gradients);
  void update_kept(FloatRange range, float clip_factor);
  void update(std::size_t offset, std::size_t count, const float* gradient);

  std::size_t float_count_;
  bool mean_;
  std::size_t virtual_trainers_;
  double clip_norm_;
  std::unique_ptr<UpdateRule> rule_;
  std::vector<Lines> state_;
  Lines reduced_;                      // the reduced gradient; only with clipping
  std::vector<double> block_squares_;  // its sum of squares per block; only with clipping
  const float* in_ = nullptr;
  float* out_ = nullptr;
  ThreadTeam team_;
};

}  // namespace runnel
