// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/client/tensor_window.h"
#include "runtime/device/device.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// What a trainer's device does of handing over gradients to one generator: it completes them and, where the slots are
/// mapped, copies them there, while backward goes on. Bells and puts come behind it, by the processor.
///
/// Thread: one at a time; `begin` may come on LibTorch's own thread. Methods allocate nothing, and throw `RunError`
/// when the device fails.
class DeviceStage {
 public:
  /// Where this trainer's slots begin for the device; null: they are not mapped, and nothing is copied.
  using Slots = std::array<std::byte*, kSlots>;

  /// `stream` is this trainer's for gradients, which may serve other stages, too. All outlive this.
  DeviceStage(DeviceStream& stream, const BucketLayout& layout, const Shard& shard, const TensorWindow& window,
              const Slots& slots);

  /// Marks that a stream needs for the stages of all generators.
  static std::size_t marks_for(const BucketLayout& layout) { return 2 * layout.bucket_count(); }

  /// The work that computes the last `count` buckets of `step` has been given to the compute stream. Counts of a step
  /// rise.
  void begin(std::uint64_t step, std::uint32_t count);

  /// How many of the last buckets of the step the device is through with.
  std::uint32_t done();

  /// Whether it is through with all that was begun.
  bool idle() { return done() == begun_; }

  /// When the last of the gradients begun was computed, in ns of the steady clock. Once `idle()`.
  std::int64_t computed_ns();

  /// Records the copies of the step, for `peer`. Once `idle()`, and before the next step.
  void record_into(Trace& trace, std::uint16_t peer);

 private:
  struct Marks {
    DeviceStream::Mark computed = 0;
    DeviceStream::Mark copied = 0;
  };

  DeviceStream& stream_;
  const BucketLayout& layout_;
  const Shard& shard_;
  const TensorWindow& window_;
  Slots slots_;
  std::vector<Marks> marks_;  // of the step's buckets, from the last on
  std::uint64_t step_ = 0;
  std::uint32_t begun_ = 0;
  std::uint32_t done_ = 0;
};

}  // namespace runnel
