// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/device_reducer.h"

#include <bit>
#include <cassert>
#include <new>
#include <thread>

#include "runtime/clip_factor.h"

namespace runnel {
namespace {

// Pages of their own, because no page can be pinned twice.
constexpr std::size_t kPageBytes = 4096;

}  // namespace

DeviceReducer::DeviceReducer(Device& device, DeviceStream& stream, std::size_t float_count,
                             const OptimizerConfig& config, std::size_t virtual_trainers)
    : device_(device),
      stream_(stream),
      float_count_(float_count),
      mean_(config.reduce == "mean"),
      virtual_trainers_(virtual_trainers),
      clip_norm_(config.clip_norm),
      rule_(make_update_rule(config)) {
  for (std::size_t i = 0; i < rule_->state_count(); ++i) states_[i] = zeroed(device, float_count);
  if (!clips()) return;
  reduced_ = zeroed(device, float_count);
  const std::size_t bytes = block_squares_pages().size();
  block_squares_.reset(static_cast<double*>(operator new (bytes, std::align_val_t{kPageBytes})));
  squares_on_device_ = reinterpret_cast<double*>(device.pin(block_squares_pages()));
}

DeviceReducer::~DeviceReducer() {
  if (clips()) device_.unpin(block_squares_pages());
}

void DeviceReducer::Release::operator()(float* memory) const noexcept {
  device->release(reinterpret_cast<std::byte*>(memory));
}

void DeviceReducer::FreePages::operator()(double* pages) const noexcept {
  operator delete (pages, std::align_val_t{kPageBytes});
}

DeviceReducer::DeviceFloats DeviceReducer::zeroed(Device& device, std::size_t count) {
  return {reinterpret_cast<float*>(device.allocate(count * sizeof(float))), Release{&device}};
}

std::span<std::byte> DeviceReducer::block_squares_pages() const {
  const std::size_t pages = (block_count() * sizeof(double) + kPageBytes - 1) / kPageBytes;
  return {reinterpret_cast<std::byte*>(block_squares_.get()), pages * kPageBytes};
}

void DeviceReducer::begin_step(double lr, std::int64_t step, const float* in, float* out,
                               std::span<const float* const> gradients) {
  assert(!gradients.empty() && gradients.size() <= kMaxGradients);
  assert(virtual_trainers_ == 0 || std::has_single_bit(gradients.size()));
  rule_->begin_step(lr, step);
  in_ = in;
  out_ = out;
  gradients_ = gradients;
  if (mean_) share_ = 1.0F / static_cast<float>(virtual_trainers_ > 0 ? virtual_trainers_ : gradients.size());
}

void DeviceReducer::reduce(ByteRange bucket) {
  assert(bucket.begin % kBlockBytes == 0 && bucket.end <= float_count_ * sizeof(float));
  ReducePass pass = {.gradients = gradients_,
                     .tree = virtual_trainers_ > 0,
                     .share = share_,
                     .begin = bucket.begin / sizeof(float),
                     .end = bucket.end / sizeof(float),
                     .then = update()};
  if (clips()) pass.then = ReducePass::Keep{reduced_.get(), squares_on_device_};
  stream_.reduce(pass);
}

void DeviceReducer::finish_step() {
  if (!clips()) return;
  const DeviceStream::Mark all_squares = stream_.mark();
  while (!stream_.reached(all_squares)) std::this_thread::yield();
  const float* const kept = reduced_.get();
  stream_.reduce({.gradients = {&kept, 1},
                  .tree = false,
                  .share = clip_factor(clip_norm_, {block_squares_.get(), block_count()}),
                  .begin = 0,
                  .end = float_count_,
                  .then = update()});
}

ReducePass::Update DeviceReducer::update() const {
  return {rule_->formula(), in_, out_, {states_[0].get(), states_[1].get()}};
}

}  // namespace runnel
