// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "runtime/config/config.h"
#include "runtime/device/device.h"
#include "runtime/device/device_memory.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/reduction/reduce_pass.h"
#include "runtime/reduction/reducer.h"
#include "runtime/reduction/update_rule.h"

namespace runnel {

/// Reduces in a device's memory: submits work to a stream and waits for it in finish_step() with clipping only. All
/// addresses are the device's, and multiples of 16 bytes. Throws what the device throws.
class DeviceReducer final : public Reducer {
 public:
  /// As of HostReducer, for at most `kMaxGradients` gradients. `device` and `stream` outlive this.
  DeviceReducer(Device& device, DeviceStream& stream, FloatCounts floats, const OptimizerConfig& config, SumTree tree,
                BufferRule buffers = BufferRule::average);

  void reduce(ByteRange bucket) override;

  /// With clipping, waits for all work in the stream, because the update needs the norm.
  void finish_step() override;

  /// The kernels would have to reduce a flag over all threads, and the host to wait for it, in every step.
  std::optional<std::size_t> first_nonfinite() const override { return std::nullopt; }

  std::span<const std::span<float>> states() const override { return {views_.data(), rule_->state_count()}; }

 private:
  /// What clipping needs: the reduced gradient and, in memory that the host can read, the sums of squares of its
  /// blocks.
  struct Kept {
    struct FreePages {
      void operator()(double* pages) const noexcept;
    };

    Kept(Device& device, std::size_t float_count);

    DeviceMemory reduced;
    std::size_t blocks;
    std::unique_ptr<double[], FreePages> squares;
    PinnedMemory pinned_squares;
  };

  ReducePass::Update update() const;
  ReducePass::Update average() const;

  const SumTree one_;  // for the gradient that is kept
  DeviceStream& stream_;
  std::array<std::optional<DeviceMemory>, UpdateRule::kMaxStates> states_;
  std::array<std::span<float>, UpdateRule::kMaxStates> views_;  // of these
  std::optional<Kept> kept_;                                    // with clipping
};

}  // namespace runnel
