// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/reduction/device_reducer.h"

#include <cassert>
#include <new>
#include <thread>
#include <utility>

#include "runtime/reduction/clip_factor.h"

namespace runnel {
namespace {

// Pages of their own, because no page can be pinned twice.
constexpr std::size_t kPageBytes = 4096;

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

float* floats_of(const DeviceMemory& memory) {
  return reinterpret_cast<float*>(memory.bytes().data());
}

}  // namespace

DeviceReducer::Kept::Kept(Device& device, std::size_t float_count)
    : reduced(device, float_count * sizeof(float)),
      blocks((float_count + kBlockFloats - 1) / kBlockFloats),
      squares(static_cast<double*>(operator new (whole_pages(blocks * sizeof(double)), std::align_val_t{kPageBytes}))),
      pinned_squares(device, {reinterpret_cast<std::byte*>(squares.get()), whole_pages(blocks * sizeof(double))}) {}

void DeviceReducer::Kept::FreePages::operator()(double* pages) const noexcept {
  operator delete (pages, std::align_val_t{kPageBytes});
}

DeviceReducer::DeviceReducer(Device& device, DeviceStream& stream, FloatCounts floats, const OptimizerConfig& config,
                             SumTree tree, BufferRule buffers)
    : Reducer(floats, config, std::move(tree), buffers), stream_(stream) {
  if (floats.optimized == 0) return;
  for (std::size_t i = 0; i < rule_->state_count(); ++i) {
    states_[i].emplace(device, floats.optimized * sizeof(float));
    views_[i] = {floats_of(*states_[i]), floats.optimized};
  }
  if (clips()) kept_.emplace(device, floats.optimized);
}

void DeviceReducer::reduce(ByteRange bucket) {
  const bool averaged = averages(bucket);
  ReducePass pass = {.gradients = gradients_,
                     .tree = tree_,
                     .share = averaged ? 1 : share_,
                     .begin = bucket.begin / sizeof(float),
                     .end = bucket.end / sizeof(float),
                     .then = averaged ? average() : update()};
  if (kept_ && !averaged) {
    auto* const squares = reinterpret_cast<double*>(kept_->pinned_squares.device_address());
    pass.then = ReducePass::Keep{floats_of(kept_->reduced), squares};
  }
  stream_.reduce(pass);
}

void DeviceReducer::finish_step() {
  if (!kept_) return;
  const DeviceStream::Mark all_squares = stream_.mark();
  while (!stream_.reached(all_squares)) std::this_thread::yield();
  const float* const kept = floats_of(kept_->reduced);
  stream_.reduce({.gradients = {&kept, 1},
                  .tree = one_,
                  .share = clip_factor(clip_norm_, {kept_->squares.get(), kept_->blocks}),
                  .begin = 0,
                  .end = floats_.optimized,
                  .then = update()});
}

ReducePass::Update DeviceReducer::average() const {
  return {AverageFormula{takes_mean()}, in_, out_, {}};
}

ReducePass::Update DeviceReducer::update() const {
  ReducePass::Update update = {rule_->formula(), in_, out_, {}};
  for (std::size_t i = 0; i < rule_->state_count(); ++i) update.states[i] = views_[i].data();
  return update;
}

}  // namespace runnel
