// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/generator/snapshot.h"

#include <algorithm>
#include <cassert>
#include <thread>

#include "runtime/base/steady_clock.h"

namespace runnel {

Snapshot::Snapshot(const BucketLayout& layout, const Shard& shard, std::size_t states)
    : layout_(layout),
      shard_(shard),
      buckets_(std::make_unique<std::atomic<Copied>[]>(shard.buckets)),
      parameters_(layout.float_counts(shard).total()),
      states_(states, std::vector<float>(layout.float_counts(shard).optimized)) {
  for (std::uint32_t i = 0; i < shard_.buckets; ++i) buckets_[i] = Copied::yes;
}

void Snapshot::begin(const float* parameters, std::span<const std::span<float>> states, Device* device) {
  assert(states.size() == states_.size());
  source_parameters_ = parameters;
  source_states_.assign(states.begin(), states.end());
  exposed_ns_.store(0, std::memory_order_relaxed);
  if (device != nullptr) return copy_now(*device);
  for (std::uint32_t i = 0; i < shard_.buckets; ++i) buckets_[i].store(Copied::no, std::memory_order_release);
}

/// In the order of the device's other work, so that the next step does not change what is copied.
void Snapshot::copy_now(Device& device) {
  const std::int64_t begin = steady_ns();
  const auto copy = [&device](std::span<float> to, const float* from) {
    device.copy_now(std::as_writable_bytes(to).data(), reinterpret_cast<const std::byte*>(from), to.size_bytes());
  };
  copy(parameters_, source_parameters_);
  for (std::size_t i = 0; i < states_.size(); ++i) copy(states_[i], source_states_[i].data());
  exposed_ns_.store(steady_ns() - begin, std::memory_order_relaxed);
}

void Snapshot::before_change(std::uint32_t bucket) {
  if (buckets_[bucket].load(std::memory_order_acquire) == Copied::yes) return;
  const std::int64_t begin = steady_ns();
  if (take(bucket)) {
    copy(bucket);
  } else {
    await(bucket);
  }
  exposed_ns_.fetch_add(steady_ns() - begin, std::memory_order_relaxed);
}

// In the order in which a step changes them.
void Snapshot::complete() {
  for (std::uint32_t bucket = shard_.buckets; bucket-- > 0;) {
    if (take(bucket)) copy(bucket);
  }
  for (std::uint32_t bucket = 0; bucket < shard_.buckets; ++bucket) await(bucket);
}

bool Snapshot::take(std::uint32_t bucket) {
  Copied no = Copied::no;
  return buckets_[bucket].compare_exchange_strong(no, Copied::under_way, std::memory_order_acq_rel);
}

void Snapshot::copy(std::uint32_t bucket) {
  const ByteRange bytes = layout_.bucket_in(shard_, bucket);
  const std::size_t begin = bytes.begin / sizeof(float);
  const std::size_t end = bytes.end / sizeof(float);
  std::copy(source_parameters_ + begin, source_parameters_ + end, parameters_.data() + begin);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    // Buckets of tensors that are averaged lie behind all states.
    const std::size_t last = std::min(end, states_[i].size());
    if (begin < last)
      std::copy(&source_states_[i][begin], &source_states_[i][begin] + (last - begin), &states_[i][begin]);
  }
  buckets_[bucket].store(Copied::yes, std::memory_order_release);
}

void Snapshot::await(std::uint32_t bucket) const {
  while (buckets_[bucket].load(std::memory_order_acquire) != Copied::yes) std::this_thread::yield();
}

}  // namespace runnel
