// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/client/tensor_window.h"
#include "runtime/device/device_memory.h"
#include "runtime/fabric/fabric.h"
#include "runtime/fabric/peer_links.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/protocol/slot_protocol.h"
#include "runtime/protocol/tensor_slabs.h"
#include "transport/remote_region.h"

namespace runnel {

/// Carries the parameters from one generator's buffers to one trainer.
///
/// On a mapped path the model's tensors are views into the generator's buffers: nothing moves. On other paths each
/// bucket is fetched into a registered slab of this process as soon as it is published; what is mapped for a device,
/// that copies into such a slab. Thread: the main thread's. Its methods allocate nothing.
class ParameterChannel {
 public:
  /// `parameters` is the generator's slab with its buffers, one after the other; a buffer holds `shard`. Where it is
  /// mapped, it becomes a part of a `window` on the host. `stream`: of this trainer's device, where it has one, for its
  /// parameters. Throws `FrameError` when the slab is too short, `TransportError`, and as `Device::pin`.
  ParameterChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& parameters, const BucketLayout& layout,
                   const Shard& shard, TensorWindow& window, DeviceStream* stream);

  /// Marks that a stream needs for the channels from all generators.
  static std::size_t marks_for(const BucketLayout& layout) { return 2 * layout.bucket_count(); }

  bool is_mapped() const { return region_.is_mapped(); }
  const RemoteRegion& region() const { return region_; }

  /// Starts to get what `protocol` says is published and is not under way yet. A get completes with a tag of this
  /// generator about `first_about` + the bucket, which goes to `arrived`. What a device copies is there for what the
  /// compute stream is given from now on.
  Status fetch(const TrainerProtocol& protocol, std::uint32_t first_about);

  /// Bucket `bucket` of the version that `fetch` asked for last is here.
  void arrived(std::uint32_t bucket);

  /// Whether bucket `bucket` of the current step of `protocol` can be read in the window.
  bool usable(const TrainerProtocol& protocol, std::uint32_t bucket) const;

  /// Whether all copies by the device, out of mapped memory, are made; all of the version have been begun. True where
  /// there are none.
  bool copied() const { return !copies() || stream_->reached(last_copy()); }

  /// Once they are: when the last one was, in ns of the steady clock; 0 without any.
  std::int64_t copied_ns() const { return copies() ? stream_->reached_ns(last_copy()) : 0; }

  /// Once they are: records them.
  void record_copies();

 private:
  enum class State : std::uint8_t { absent, under_way, here };
  struct Bucket {
    std::uint64_t version = 0;
    State state = State::absent;
    std::int64_t begin_ns = 0;  // of the get, for the trace
    DeviceStream::Mark copy_begin = 0;
    DeviceStream::Mark copy_end = 0;
  };

  bool copies() const { return device_buffers_.has_value(); }
  bool in_place() const { return is_mapped() && stream_ == nullptr; }
  DeviceStream::Mark last_copy() const;
  void copy(Bucket& bucket, std::span<std::byte> target, std::size_t offset);
  TraceLabel label(TraceWhat what, std::uint32_t bucket) const;

  Fabric& fabric_;
  const BucketLayout& layout_;
  const Shard& shard_;
  const TensorWindow& window_;
  const Peer& generator_;
  RemoteRegion region_;
  DeviceStream* stream_;
  std::optional<DeviceMapping> device_buffers_;  // where they are mapped, of a trainer with a device
  std::vector<Bucket> buckets_;                  // fetched or copied; unused where they are read in place
};

}  // namespace runnel
