// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/client/gradient_stage.h"
#include "runtime/client/tensor_window.h"
#include "runtime/device/device.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// The device's half of a hand-over to one generator: waits for each gradient and copies it into the slot where that is
/// mapped, while backward goes on. The processor then rings or puts. Methods throw `RunError` when the device fails.
class DeviceStage final : public GradientStage {
 public:
  /// Where this trainer's slots begin for the device; null: they are not mapped, and nothing is copied.
  using Slots = std::array<std::byte*, kSlots>;

  /// `stream` is this trainer's for gradients, which may serve other stages, too. All outlive this.
  DeviceStage(DeviceStream& stream, const BucketLayout& layout, const Shard& shard, const TensorWindow& window,
              const Slots& slots);

  /// Marks that a stream needs for the stages of all generators.
  static std::size_t marks_for(const BucketLayout& layout) { return 2 * layout.bucket_count(); }

  void begin(std::uint64_t step, std::uint32_t count) override;
  std::uint32_t done() override;
  bool idle() override { return done() == begun_; }
  std::int64_t computed_ns() override;
  void record_into(Trace& trace, std::uint16_t peer) override;

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
