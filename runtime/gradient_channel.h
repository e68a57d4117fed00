// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/bucket_layout.h"
#include "runtime/control_block.h"
#include "runtime/fabric.h"
#include "runtime/link.h"
#include "runtime/slot_protocol.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// The way of one trainer's gradients into its slots at the generator.
///
/// On a mapped path the slots themselves are the memory that backward writes, and handing over is a ring. On other
/// paths that memory is a registered slab of this process, and each bucket is put and then rung. Nothing is copied in
/// between. Thread: the main thread's. Its methods return `Status` and allocate nothing.
class GradientChannel {
 public:
  /// `gradients` is the generator's slab with the slots of all trainers, one after the other. Throws
  /// `FrameError` when it is too short for them, `TransportError`.
  GradientChannel(Fabric& fabric, GeneratorLink& link, const RegionDescriptor& gradients, const BucketLayout& layout);

  /// The slab that a generator needs for the slots of all trainers.
  static std::size_t slab_bytes(const BucketLayout& layout, int trainers);

  /// Where slot `slot` of trainer `trainer` begins in that slab.
  static std::size_t slot_offset(const BucketLayout& layout, int trainer, int slot);

  /// The memory for the gradients of a step that uses `slot`.
  std::span<float> memory(int slot) const;

  /// Hands over the whole of the current step of `protocol`, whose gradients are complete in the memory of its slot. On
  /// return that memory must stay untouched until the step's version is published.
  Status push(TrainerProtocol& protocol, const StepRecord& record);

 private:
  Status put_record(const StepRecord& record, int slot);

  Fabric& fabric_;
  GeneratorLink& link_;
  const BucketLayout& layout_;
  int trainer_;
  RemoteRegion region_;
  std::optional<Slab> own_;  // where the region is not mapped
};

}  // namespace runnel
