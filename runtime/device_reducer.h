// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "runtime/bucket_layout.h"
#include "runtime/config.h"
#include "runtime/device.h"
#include "runtime/reduce_pass.h"
#include "runtime/reducer.h"
#include "runtime/update_rule.h"

namespace runnel {

/// Reduces in a device's memory: gives the work to a stream and does not wait for it, except where it says so. All
/// addresses that it is given are the device's, and multiples of 16 bytes. Throws what the device throws.
class DeviceReducer final : public Reducer {
 public:
  /// As of HostReducer, for at most `kMaxGradients` gradients. `device` and `stream` outlive this.
  DeviceReducer(Device& device, DeviceStream& stream, std::size_t float_count, const OptimizerConfig& config,
                std::size_t virtual_trainers = 0);
  ~DeviceReducer() override;
  DeviceReducer(const DeviceReducer&) = delete;
  DeviceReducer& operator=(const DeviceReducer&) = delete;

  void begin_step(double lr, std::int64_t step, const float* in, float* out,
                  std::span<const float* const> gradients) override;
  void reduce(ByteRange bucket) override;
  bool clips() const override { return clip_norm_ > 0; }

  /// With clipping, waits for all that the stream was given, because the norm decides about the update.
  void finish_step() override;

 private:
  struct Release {
    Device* device;
    void operator()(float* memory) const noexcept;
  };
  using DeviceFloats = std::unique_ptr<float, Release>;

  struct FreePages {
    void operator()(double* pages) const noexcept;
  };

  static DeviceFloats zeroed(Device& device, std::size_t count);
  std::size_t block_count() const { return (float_count_ + kBlockFloats - 1) / kBlockFloats; }
  std::span<std::byte> block_squares_pages() const;
  ReducePass::Update update() const;

  Device& device_;
  DeviceStream& stream_;
  std::size_t float_count_;
  bool mean_;
  std::size_t virtual_trainers_;
  double clip_norm_;
  std::unique_ptr<UpdateRule> rule_;
  std::array<DeviceFloats, UpdateRule::kMaxStates> states_;
  DeviceFloats reduced_;                                // the reduced gradient; only with clipping
  std::unique_ptr<double[], FreePages> block_squares_;  // of its blocks, pinned; only with clipping
  double* squares_on_device_ = nullptr;                 // the same as the device finds them
  const float* in_ = nullptr;
  float* out_ = nullptr;
  std::span<const float* const> gradients_;
  float share_ = 1;  // of the sum that is the reduced gradient
};

}  // namespace runnel
