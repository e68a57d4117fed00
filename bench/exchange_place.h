// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "bench/job.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/protocol/bucket_layout.h"

namespace runnel {

/// What this process brings to the rounds of an order: the tensors, and where its own copy of them lies.
///
/// On a GPU where the order says so; the GPUs of a host are dealt to the ranks in turn. Thread: the main thread.
class ExchangePlace {
 public:
  /// Collective. Throws `RunError` when a GPU is asked for and cannot be used.
  ExchangePlace(Job& job, const Order& order);

  const Config& config() const { return config_; }
  const BucketLayout& layout() const { return layout_; }
  const PeerGroup& group() const { return group_; }

  /// Null: host memory.
  Device* device() const { return device_.get(); }

  /// Makes all of `tensors`, which lie in this place, `value`. Complete on return.
  void fill(std::span<float> tensors, float value);

  /// `tensors`, which lie in this place, in host memory; valid until the next call.
  std::span<const float> on_host(std::span<const float> tensors);

 private:
  Config config_;
  BucketLayout layout_;
  std::unique_ptr<Device> device_;
  PeerGroup group_;
  std::vector<float> staging_;  // with a device, of which the processor reaches no memory
};

}  // namespace runnel
