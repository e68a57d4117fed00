// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/host_reducer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <new>
#include <utility>

#include "runtime/base/finite.h"
#include "runtime/reduction/block_math.h"
#include "runtime/reduction/clip_factor.h"

namespace runnel {
namespace {

using Strip = std::array<float, kStripFloats>;

// A vector of any width that begins at a multiple of its size stays within one line. In arrays that begin elsewhere, as
// malloc's do, most 512-bit loads and stores take two: a sixth of the pass with two trainers.
constexpr std::align_val_t kLineAlignment{64};

}  // namespace

HostReducer::HostReducer(FloatCounts floats, const OptimizerConfig& config, std::size_t threads, SumTree tree,
                         BufferRule buffers, std::vector<std::span<float>> states)
    : Reducer(floats, config, std::move(tree), buffers),
      states_(std::move(states)),
      reduced_(clip_norm_ > 0 ? zeroed_lines(floats.optimized) : nullptr),
      block_squares_(clip_norm_ > 0 ? (floats.optimized + kBlockFloats - 1) / kBlockFloats : 0),
      nonfinite_(floats.total()),
      team_(threads) {
  while (states_.size() < rule_->state_count()) {
    own_states_.push_back(zeroed_lines(floats.optimized));
    states_.emplace_back(own_states_.back().get(), floats.optimized);
  }
}

void HostReducer::FreeLines::operator()(float* floats) const {
  operator delete[](floats, kLineAlignment);
}

HostReducer::Lines HostReducer::zeroed_lines(std::size_t float_count) {
  return Lines(new (kLineAlignment) float[float_count]());
}

void HostReducer::begin_step(double lr, std::int64_t step, const float* in, float* out,
                             std::span<const float* const> gradients) {
  Reducer::begin_step(lr, step, in, out, gradients);
  nonfinite_.store(floats_.total(), std::memory_order_relaxed);
}

void HostReducer::reduce(ByteRange bucket) {
  const bool averaged = averages(bucket);
  const std::size_t first = bucket.begin / kBlockBytes;
  const std::size_t blocks = (bucket.size() + kBlockBytes - 1) / kBlockBytes;
  team_.run(blocks, [&](std::size_t begin, std::size_t end) {
    if (averaged) {
      average(floats_of_blocks(first + begin, first + end));
    } else if (clips()) {
      for (std::size_t block = first + begin; block < first + end; ++block) reduce_and_keep(block);
    } else {
      reduce_and_update(floats_of_blocks(first + begin, first + end));
    }
  });
}

void HostReducer::finish_step() {
  if (!clips()) return;
  const float factor = clip_factor(clip_norm_, block_squares_);
  team_.run(block_squares_.size(),
            [&](std::size_t begin, std::size_t end) { update_kept(floats_of_blocks(begin, end), factor); });
}

HostReducer::FloatRange HostReducer::floats_of_blocks(std::size_t first, std::size_t last) const {
  return {first * kBlockFloats, std::min(last * kBlockFloats, floats_.total())};
}

void HostReducer::sum(FloatRange range, float share, float* sum) const {
  const std::size_t count = range.end - range.begin;
  sum_gradients(tree_, gradients_, range.begin, count, sum);
  if (share != 1.0F) scale(sum, share, count, sum);
}

void HostReducer::reduce_and_update(FloatRange range) {
  alignas(64) Strip strip;
  const bool as_it_is = gradients_.size() == 1 && share_ == 1.0F;
  for (std::size_t offset = range.begin; offset < range.end; offset += kStripFloats) {
    const std::size_t count = std::min(kStripFloats, range.end - offset);
    if (as_it_is) {
      update(offset, count, gradients_[0] + offset);
      continue;
    }
    sum({offset, offset + count}, share_, strip.data());
    update(offset, count, strip.data());
  }
}

void HostReducer::average(FloatRange range) {
  for (std::size_t offset = range.begin; offset < range.end; offset += kStripFloats) {
    const std::size_t count = std::min(kStripFloats, range.end - offset);
    if (takes_mean()) {
      mean_of_gradients(tree_, gradients_, offset, count, out_ + offset);
    } else {
      sum({offset, offset + count}, /*share=*/1, out_ + offset);
    }
  }
}

void HostReducer::reduce_and_keep(std::size_t block) {
  const FloatRange range = floats_of_blocks(block, block + 1);
  float* const kept = reduced_.get() + range.begin;
  sum(range, share_, kept);
  block_squares_[block] = sum_of_squares(kept, range.end - range.begin);
}

void HostReducer::update_kept(FloatRange range, float factor) {
  alignas(64) Strip strip;
  for (std::size_t offset = range.begin; offset < range.end; offset += kStripFloats) {
    const std::size_t count = std::min(kStripFloats, range.end - offset);
    scale(reduced_.get() + offset, factor, count, strip.data());
    update(offset, count, strip.data());
  }
}

void HostReducer::update(std::size_t offset, std::size_t count, const float* gradient) {
  std::array<float*, UpdateRule::kMaxStates> state = {};
  for (std::size_t i = 0; i < states_.size(); ++i) state[i] = states_[i].data() + offset;
  if (rule_->update({count, gradient, in_ + offset, out_ + offset, state.data()})) return;
  note_nonfinite(offset + *runnel::first_nonfinite(std::span(out_ + offset, count)));
}

// Parts of a step are updated by several threads and in any order: the lowest index wins.
void HostReducer::note_nonfinite(std::size_t index) {
  std::size_t lowest = nonfinite_.load(std::memory_order_relaxed);
  while (index < lowest && !nonfinite_.compare_exchange_weak(lowest, index, std::memory_order_relaxed)) {
  }
}

std::optional<std::size_t> HostReducer::first_nonfinite() const {
  const std::size_t first = nonfinite_.load(std::memory_order_relaxed);
  return first < floats_.total() ? std::optional(first) : std::nullopt;
}

}  // namespace runnel
