// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "transport/park_word.h"
#include "transport/remote_region.h"
#include "transport/slab.h"

namespace runnel {

/// A sequence word in this process's slab that exactly one peer raises: 8 bytes on a 64-byte line of their own.
///
/// A view; the line must start zeroed. A value that is read implies that everything its ringer put before is readable.
class Bell {
 public:
  /// The line at `offset` of `slab`. Throws `TransportError`: out_of_range, misaligned (not on a 64-byte line).
  Bell(const Slab& slab, std::size_t offset);

  /// The latest value that has arrived. Any thread.
  std::uint64_t value() const;

 private:
  std::uint64_t* word_;
};

struct RingState;

/// A peer's Bell, as its ringer holds it. Rung through a CompletionQueue.
///
/// Values rise: at most one put of the word is in flight, and rings meanwhile coalesce into the largest, so a late
/// lower value never covers a higher one. Where the region is mapped a ring is a store, and a wake when the owner
/// sleeps. Moves, does not copy: two would be two writers. Thread: the worker's.
class RemoteBell {
 public:
  /// The bell at `bell_offset` of the peer's region, and the line at `park_offset` on which its owner sleeps.
  /// Throws `TransportError`: out_of_range, misaligned, unsupported (bells live in host memory).
  RemoteBell(const RemoteRegion& region, std::size_t bell_offset, std::size_t park_offset);

  /// Whether every value asked for so far is visible at the peer.
  bool reached() const;

 private:
  friend class CompletionQueue;
  std::shared_ptr<RingState> state_;  // shared with the endpoint: a ring in flight refers to it until the close
};

}  // namespace runnel
