// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <span>

#include "runtime/bucket_layout.h"
#include "runtime/fabric.h"
#include "runtime/link.h"
#include "runtime/slot_protocol.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// The way of the parameters from the generator's buffers to one trainer.
///
/// On a mapped path the model's tensors are views into the generator's buffers: nothing moves. On other paths a version
/// is got into a registered slab of this process. Thread: the main thread's. `begin_fetch` allocates nothing.
class ParameterChannel {
 public:
  /// The tag of the get's completion.
  static constexpr std::uint64_t kFetchTag = 1;

  /// `parameters` is the generator's slab with its buffers, one after the other. Throws `FrameError` when it
  /// is too short for them, `TransportError`.
  ParameterChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& parameters, const BucketLayout& layout);

  /// The slab that a generator needs for its buffers.
  static std::size_t slab_bytes(const BucketLayout& layout) { return kParameterBuffers * layout.padded_bytes(); }

  /// Where `buffer` begins in that slab.
  static std::size_t buffer_offset(const BucketLayout& layout, int buffer) {
    return static_cast<std::size_t>(buffer) * layout.padded_bytes();
  }

  /// The memory in which a version that lies in `buffer` is read. Never written by a trainer: on a mapped path it is
  /// the generator's.
  std::span<float> memory(int buffer) const;

  /// True when a version must be fetched before it is read.
  bool fetches() const { return own_.has_value(); }

  /// Starts to get `buffer` from the generator; complete with the completion `kFetchTag`.
  Status begin_fetch(int buffer);

 private:
  Fabric& fabric_;
  const BucketLayout& layout_;
  RemoteRegion region_;
  std::optional<Slab> own_;  // where the region is not mapped
};

}  // namespace runnel
