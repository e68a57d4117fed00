// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "runtime/base/steady_clock.h"

/// A timeline of a process, recorded for `--trace FILE`. README.md, "Trace memory", has the bytes of a record.
namespace runnel {

/// What an event is about. The numbers travel from all ranks to rank 0.
enum class TraceWhat : std::uint8_t {
  wait = 0,          ///< for a peer
  forward = 1,       ///< pass over a batch
  backward = 2,      ///< pass over a batch
  bucket_ready = 3,  ///< instant: the gradients of a bucket, and of those after it in its shard, are computed
  put = 4,           ///< of a bucket and the bell after it, from its start until both are at `peer`
  bell = 5,          ///< instant: for this and the later buckets; rung at `peer` without a put, or received from it
  reduce = 6,        ///< sum and optimizer of a bucket, which are one pass over memory
  publish = 7,       ///< of new parameters
  test = 8,          ///< a trainer's part of an evaluation
  fetch = 9,         ///< of parameters by get, from its start to its completion
  copy = 10,         ///< of a bucket by a device, from or to memory of `peer`: the device's time
  reduce_on_device = 11,  ///< as reduce, by a device: the device's time
  data = 12,              ///< wait for a batch
  read = 13,              ///< of a batch from the data set, maybe steps before it was needed
  checkpoint = 14,        ///< of a generator's part of one version, from the copy until it is on the disk
};
inline constexpr int kTraceWhats = 15;

/// The description of an event, without its times.
struct TraceLabel {
  static constexpr std::uint16_t kNoPeer = std::numeric_limits<std::uint16_t>::max();
  static constexpr std::uint32_t kNoBucket = std::numeric_limits<std::uint32_t>::max();

  TraceWhat what = TraceWhat::wait;
  std::uint8_t reserved = 0;
  std::uint16_t peer = kNoPeer;  ///< rank of the other process
  std::uint32_t bucket = kNoBucket;
  std::uint64_t step = 0;

  bool operator==(const TraceLabel&) const = default;
};

/// Times are of the recording process's steady clock; those of an instant are equal.
struct TraceEvent {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  TraceLabel label;

  bool operator==(const TraceEvent&) const = default;
};

/// The header before the events.
struct TraceHeader {
  static constexpr std::uint32_t kMagic = 0x43525452;  // "RTRC"
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::uint64_t kOpen = std::numeric_limits<std::uint64_t>::max();

  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint64_t recorded = kOpen;     ///< number of events after this header; kOpen until the trace is closed
  std::uint64_t dropped = 0;          ///< events that did not fit
  std::int64_t first_trainer_ns = 0;  ///< of a generator: the first trainer's clock minus its own; else 0
};

static_assert(sizeof(TraceEvent) == 32 && std::is_trivially_copyable_v<TraceEvent>);
static_assert(sizeof(TraceHeader) == 32 && std::is_trivially_copyable_v<TraceHeader>);

/// Events that fit into the 4 MiB of a process: some thousand steps of the reference network.
inline constexpr std::size_t kTraceEvents = 1 << 17;

/// Writes events into memory of its owner: a slab, from which a peer gets them unchanged.
///
/// Recording does not allocate, lock or format. A trace without memory is off, and costs one branch an event. Thread:
/// one at a time.
class Trace {
 public:
  /// Off.
  Trace() = default;

  /// `memory` begins at a multiple of 8 bytes, has room for the header, and outlives this.
  explicit Trace(std::span<std::byte> memory);

  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;
  Trace(Trace&&) = default;
  Trace& operator=(Trace&&) = default;

  /// Bytes for `events` events.
  static constexpr std::size_t bytes_for(std::size_t events) {
    return sizeof(TraceHeader) + events * sizeof(TraceEvent);
  }

  bool on() const { return header_ != nullptr; }

  /// The begin of a span that `end` will record: now, or 0 when off.
  std::int64_t begin() const { return on() ? steady_ns() : 0; }

  /// Records a span that ends now and began at `begin_ns`, a result of `begin`.
  void end(std::int64_t begin_ns, const TraceLabel& label) {
    if (on()) write({begin_ns, steady_ns(), label});
  }

  /// Records a span between times of `steady_ns()`. When the memory is full, the span is only counted.
  void add(std::int64_t begin_ns, std::int64_t end_ns, const TraceLabel& label) {
    if (on()) write({begin_ns, end_ns, label});
  }

  /// Records an event at the current time.
  void instant(const TraceLabel& label) {
    if (on()) write_instant(label);
  }

  /// Ends the recording: the trace is off afterwards, and a peer that sees the header may read the rest. Returns the
  /// part of the memory that holds header and events, for `read_trace`; empty when off. `first_trainer_ns`: as in
  /// `TraceHeader`.
  std::span<const std::byte> close(std::int64_t first_trainer_ns = 0);

 private:
  void write(const TraceEvent& event);
  void write_instant(const TraceLabel& label);

  TraceHeader* header_ = nullptr;
  TraceEvent* events_ = nullptr;
  std::uint64_t capacity_ = 0;
  std::uint64_t recorded_ = 0;
  std::uint64_t dropped_ = 0;
};

/// Records a span from its construction to its destruction.
class TraceSpan {
 public:
  /// `trace` outlives this.
  TraceSpan(Trace& trace, const TraceLabel& label) : trace_(trace), label_(label), begin_ns_(trace.begin()) {}
  ~TraceSpan() { trace_.end(begin_ns_, label_); }

  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  Trace& trace_;
  TraceLabel label_;
  std::int64_t begin_ns_;
};

/// The events of a process, copied from its memory.
struct RecordedTrace {
  std::vector<TraceEvent> events;  ///< sorted by begin; of those that begin together, the longest first
  std::uint64_t dropped = 0;
  std::int64_t first_trainer_ns = 0;  ///< as in `TraceHeader`; within ±2^60
};

/// Reads a closed `Trace` from `memory`, which may be longer. Throws `RunError` (protocol_mismatch) when `memory`,
/// which another process may have written, holds no trace or a damaged one; `who` is that process, such as "trainer 0
/// rank=1". Any thread.
RecordedTrace read_trace(std::span<const std::byte> memory, const std::string& who);

}  // namespace runnel
