// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "runtime/base/steady_clock.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// Completes the gradients of a step before they are handed over to one generator: on the host they are complete when
/// backward has written them, on a device when its streams have got there (`DeviceStage`).
///
/// A step's buckets are counted from the last one on. Methods allocate nothing. Thread: one at a time; `begin` may be
/// called on LibTorch's own thread.
class GradientStage {
 public:
  virtual ~GradientStage() = default;

  /// The last `count` buckets of `step` are computed, or the work that computes them has been given to the compute
  /// stream. Counts of a step rise.
  virtual void begin(std::uint64_t step, std::uint32_t count) = 0;

  /// How many of the last buckets of the step are complete.
  virtual std::uint32_t done() = 0;

  /// Whether all that was begun is.
  virtual bool idle() = 0;

  /// When the last of the gradients begun was computed, in ns of the steady clock. Once `idle()`.
  virtual std::int64_t computed_ns() = 0;

  /// Records what a device did for `peer` in the step. Once `idle()`, and before the next step.
  virtual void record_into(Trace& trace, std::uint16_t peer) = 0;
};

/// Gradients in host memory.
class HostStage final : public GradientStage {
 public:
  void begin(std::uint64_t, std::uint32_t count) override {
    count_ = count;
    computed_ns_ = steady_ns();
  }
  std::uint32_t done() override { return count_; }
  bool idle() override { return true; }
  std::int64_t computed_ns() override { return computed_ns_; }
  void record_into(Trace&, std::uint16_t) override {}

 private:
  std::uint32_t count_ = 0;
  std::int64_t computed_ns_ = 0;
};

}  // namespace runnel
