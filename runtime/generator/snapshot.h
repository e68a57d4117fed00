// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/device/device.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// A copy of a generator's parameters and optimizer's states as one version has them, made while the next step goes on.
///
/// Two threads copy, bucket by bucket: a helper in `complete`, and the main thread a bucket that it is about to change
/// and that has not been copied. Memory of the size of all that is copied is allocated once.
class Snapshot {
 public:
  /// For a generator of `shard` with `states` states of its optimizer. `layout` and `shard` outlive this.
  Snapshot(const BucketLayout& layout, const Shard& shard, std::size_t states);

  /// Begins a copy; the last one is complete. `parameters` are the shard's; neither they nor `states` may be changed
  /// before `before_change`. What lies in `device`, where that is not null, is copied on return. Thread: the main
  /// thread.
  void begin(const float* parameters, std::span<const std::span<float>> states, Device* device);

  /// The parameters or states of `bucket`, by its index in the shard, are about to be changed: they are copied on
  /// return. Thread: the main thread.
  void before_change(std::uint32_t bucket);

  /// Copies what has not been copied. Thread: a helper, one at a time.
  void complete();

  /// How long `before_change` has taken since `begin`, in ns. Thread: any, after `complete`.
  std::int64_t exposed_ns() const { return exposed_ns_.load(std::memory_order_relaxed); }

  /// After `complete`.
  std::span<const float> parameters() const { return parameters_; }
  std::span<const float> state(std::size_t index) const { return states_[index]; }
  std::size_t states() const { return states_.size(); }

 private:
  enum class Copied : std::uint8_t { no, under_way, yes };

  bool take(std::uint32_t bucket);
  void copy(std::uint32_t bucket);
  void await(std::uint32_t bucket) const;
  void copy_now(Device& device);

  const BucketLayout& layout_;
  const Shard& shard_;
  std::unique_ptr<std::atomic<Copied>[]> buckets_;
  const float* source_parameters_ = nullptr;
  std::vector<std::span<float>> source_states_;
  std::vector<float> parameters_;
  std::vector<std::vector<float>> states_;
  std::atomic<std::int64_t> exposed_ns_ = 0;
};

}  // namespace runnel
