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

/// The tensors of an order's rounds, and this process's copy of them.
///
/// On a GPU if the order says so; the GPUs of a host are assigned to the ranks in turn. Thread: the main thread.
class ExchangePlace {
 public:
  /// Collective. Throws `RunError` when a GPU is asked for and cannot be used.
  ExchangePlace(Job& job, const Order& order);

  const Config& config() const { return config_; }
  const BucketLayout& layout() const { return layout_; }
  const PeerGroup& group() const { return group_; }

  /// Null for host memory.
  Device* device() const { return device_.get(); }

  /// Sets all of `tensors`, which lie in this place, to `value`. Complete on return.
  void fill(std::span<float> tensors, float value);

  /// A copy in host memory of `tensors`, which lie in this place; valid until the next call.
  std::span<const float> on_host(std::span<const float> tensors);

 private:
  Config config_;
  BucketLayout layout_;
  std::unique_ptr<Device> device_;
  PeerGroup group_;
  std::vector<float> staging_;  // with a device, whose memory the CPU cannot read
};

}  // namespace runnel
