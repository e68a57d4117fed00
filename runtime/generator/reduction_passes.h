// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/device/device.h"
#include "runtime/generator/generator_memory.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/telemetry/trace.h"

namespace runnel {

/// The reductions that a generator has started and not published yet, oldest first.
///
/// On the host a reduction is done when it has been made; on a device, when the device's stream has got there.
/// Allocates nothing but at construction. Thread: the main thread's.
class ReductionPasses {
 public:
  virtual ~ReductionPasses() = default;

  /// Before and after a reduction is made, or given to `stream()`. `label` is of its span in the trace. The parameters
  /// of version `version` in `range` are complete with it. `word` is to be rung when it is done.
  virtual void begin() = 0;
  virtual void end(TraceLabel label, std::uint64_t version, ByteRange range, std::uint64_t word) = 0;

  /// The word of the oldest reduction, when it is done: once each.
  virtual std::optional<std::uint64_t> next_done() = 0;

  /// Whether no reduction is under way.
  virtual bool idle() const = 0;

  /// What the reducer gives its work to; null on the host.
  virtual DeviceStream* stream() = 0;
};

/// For at most `buckets` reductions at a time, on `device` where that is not null. The references outlive it.
std::unique_ptr<ReductionPasses> make_reduction_passes(Device* device, const GeneratorMemory& memory, Trace& trace,
                                                       std::uint32_t buckets);

}  // namespace runnel
