// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/client/device_stage.h"
#include "runtime/client/tensor_window.h"
#include "runtime/device/device_memory.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/protocol/tensor_slabs.h"
#include "runtime/telemetry/trace.h"
#include "transport/path_probe.h"
#include "transport/remote_region.h"

namespace runnel {

/// Carries one trainer's gradients into its slots at one generator.
///
/// On a mapped path the slots themselves are the memory that backward writes, and handing over is a ring. On other
/// paths that memory is a registered slab of this process, and each bucket is put and then rung. Nothing is copied in
/// between. Gradients on a device go by the same path in two parts: `stage` lets the device complete them and copy them
/// to mapped slots, then they are handed over. Thread: the main thread's. Its methods return `Status` and allocate
/// nothing.
class GradientChannel {
 public:
  /// `gradients` is the generator's slab with the slots of all trainers, one after the other; a slot holds `shard`.
  /// Where it is mapped, it becomes a part of a `window` on the host. `stream`: of this trainer's device, where it has
  /// one, for its gradients. Throws `FrameError` when the slab is too short, `TransportError`, and as `Device::pin`.
  GradientChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& gradients, const BucketLayout& layout,
                  const Shard& shard, TensorWindow& window, DeviceStream* stream);

  bool is_mapped() const { return region_.is_mapped(); }

  /// Completes the gradients before they can be handed over.
  GradientStage& stage() { return *stage_; }

  /// This trainer's slots, as an area for a path probe.
  PathProbe::Place slots() const;

  /// Hands over what of `step` the stage has completed, but for the last of all buckets.
  Status hand_over_early(std::uint64_t step, std::uint64_t tag);

  /// Hands over all buckets of `step`, which are complete.
  ///
  /// Buckets go to the generator one after the other. Their memory must stay untouched until the step's version is
  /// published, and the next step begins when the generator has all of the last one. A put or ring completes with
  /// `tag`, which goes to `sent`.
  Status hand_over_all(std::uint64_t step, std::uint64_t tag) { return hand_over(step, shard_.buckets, tag); }

  /// A put is through: the next ones can go.
  Status sent(std::uint64_t tag);

 private:
  // A bell is put when its bucket's flush is complete, so after everything that was posted before. With all buckets
  // posted at once, the first bell would arrive after the last bucket, and no parameters could come back meanwhile. Two
  // buckets keep the network busy during the round trip of a flush.
  static constexpr std::uint32_t kInFlight = 2;

  /// For the trace.
  struct Put {
    std::int64_t begin_ns = 0;
    TraceLabel label;
  };

  DeviceStage::Slots reach_slots();
  Status hand_over(std::uint64_t step, std::uint32_t count, std::uint64_t tag);
  Status post(std::uint64_t tag);
  Status put_bucket(std::uint32_t bucket, std::uint64_t tag);
  TraceLabel label(TraceWhat what, std::uint32_t bucket) const;

  Fabric& fabric_;
  GeneratorLink& link_;
  const BucketLayout& layout_;
  const Shard& shard_;
  const TensorWindow& window_;
  RemoteRegion region_;
  std::optional<DeviceMapping> device_slots_;  // where they are mapped, of a trainer with a device
  std::unique_ptr<GradientStage> stage_;
  std::uint64_t step_ = 0;
  std::uint32_t complete_ = 0;       // buckets of the step that can go
  std::uint32_t posted_ = 0;         // of them, those that are on their way or there
  std::uint32_t in_flight_ = 0;      // puts that are not through
  std::array<Put, kInFlight> puts_;  // these, the oldest first
};

}  // namespace runnel
