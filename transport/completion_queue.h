// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "transport/bell.h"
#include "transport/endpoint.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/status.h"
#include "transport/waiter.h"
#include "transport/worker.h"

namespace runnel {

struct Operation;
class OperationPool;

/// Put and get requests move whole 4-byte words: a request that cuts an element in two is a mistake of its caller.
inline constexpr std::size_t kPayloadAlignment = 4;

enum class CompletionKind : std::uint8_t {
  bell,             ///< a watched bell of ours rose to `value`; what was put before it is readable here
  source_reusable,  ///< a `put` is locally complete: its source may change; says nothing about the peer
  visible_at_peer,  ///< a `put_and_ring` or `ring`: payload and bell (at least `value`) are in the peer's memory
  data_arrived,     ///< a `get`'s bytes are in the local slab
  peer_lost,        ///< a watched endpoint failed; reported once
};

struct Completion {
  CompletionKind kind = CompletionKind::bell;
  std::uint64_t tag = 0;    ///< the caller's, from the request or from `watch`
  std::uint64_t value = 0;  ///< of a bell
  Status status;            ///< ok, or why the operation failed; of peer_lost: why the endpoint did
};

/// The one place where a process learns what has happened: bells that peers rang, operations of its own that are
/// complete, and peers that are gone.
///
/// Operations come from slots made at construction: no method but the constructor and `watch` allocates. A request that
/// returns ok completes exactly once, through `poll`; one that does not is refused and leaves no trace. Declare a queue
/// after its worker and before its endpoints. Thread: the worker's.
class CompletionQueue {
 public:
  /// `operations`: how many may be in flight or complete but not yet polled, at once.
  CompletionQueue(Worker& worker, std::size_t operations);

  CompletionQueue(const CompletionQueue&) = delete;
  CompletionQueue& operator=(const CompletionQueue&) = delete;

  /// Reports each rise of `bell` as a completion with `tag`. Rises between two polls are reported as one, with the
  /// latest value.
  void watch(const Bell& bell, std::uint64_t tag);

  /// Reports the loss of `endpoint`'s peer, once, as a completion with `tag`. The endpoint outlives the queue's last
  /// poll.
  void watch(const Endpoint& endpoint, std::uint64_t tag);

  /// Writes `source`, a part of `slab`, to `offset` of the peer's region; completes as source_reusable.
  ///
  /// Errors, here and in the next three: peer_lost, queue_full, out_of_range, misaligned, invalid (0 bytes),
  /// unsupported.
  Status put(const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source, const Slab& slab,
             std::uint64_t tag);

  /// As `put`, then raises `bell` (of the same peer) to `value` once the payload, and all that was put to the peer
  /// before, is in the peer's memory; completes as visible_at_peer. Also invalid: a `value` not above the bell's
  /// latest.
  ///
  /// The bell is posted from the flush's callback: posted right after the payload, it overtakes it.
  Status put_and_ring(const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source,
                      const Slab& slab, RemoteBell& bell, std::uint64_t value, std::uint64_t tag);

  /// `put_and_ring` without a payload: orders the bell after all that was put to the peer before.
  Status ring(RemoteBell& bell, std::uint64_t value, std::uint64_t tag);

  /// Reads from `offset` of the peer's region into `target`, a part of `slab`; completes as data_arrived.
  Status get(const RemoteRegion& region, std::size_t offset, std::span<std::byte> target, const Slab& slab,
             std::uint64_t tag);

  /// Progresses the worker and moves what has happened into `completions`; returns how many. What does not fit comes
  /// with the next poll.
  std::size_t poll(std::span<Completion> completions);

  struct Polled {
    std::size_t count = 0;
    Status status;  ///< ok when count > 0, else deadline_exceeded or interrupted
  };

  /// Polls, and sleeps by `waiter`'s rules, until there is at least one completion.
  Polled wait(std::span<Completion> completions, Waiter& waiter, const Deadline& deadline);

  /// Operations posted whose completion has not been polled.
  std::size_t in_flight() const;

 private:
  struct WatchedBell {
    Bell bell;
    std::uint64_t tag;
    std::uint64_t seen;
  };
  struct WatchedEndpoint {
    const Endpoint* endpoint;
    std::uint64_t tag;
    bool reported;
  };

  void write(Operation& operation, const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source,
             const Slab& slab);
  void begin_ring(Operation& operation, RemoteBell& bell, std::uint64_t value);

  Worker& worker_;
  std::shared_ptr<OperationPool> operations_;  // shared with the worker: UCX may complete one until that is destroyed
  std::vector<WatchedBell> bells_;
  std::vector<WatchedEndpoint> endpoints_;
};

}  // namespace runnel
