// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/launch/stop_cause.h"
#include "transport/bell.h"
#include "transport/completion_queue.h"
#include "transport/endpoint.h"
#include "transport/owned_fd.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/worker.h"

namespace runnel {

/// A peer of the heartbeat thread. The process of a peer on this host is watched from the start, the heartbeats of
/// every peer once it is connected. Thread: the heartbeat thread.
struct HeartbeatLink {
  /// The two bells, one in each direction, and what they need.
  struct Connection {
    /// The peer rings line `my_line` of `slab`; this process rings line `peer_line` of the peer's slab.
    Connection(Worker& worker, const ConnectionOffer& offer, const Slab& slab, std::size_t my_line,
               std::size_t peer_line);

    Endpoint endpoint;
    RemoteRegion region;
    Bell inbound;
    RemoteBell outbound;
  };

  /// The peer seems to be lost. Its last word or another process may still give the reason.
  struct Suspicion {
    std::chrono::steady_clock::time_point since;
    StopCause cause;
  };

  /// How many rings to one peer may be in flight: one on the wire, and one with a newer word after it. Rings to a peer
  /// that is stopped or unreachable never complete; without a bound they would use up the queue that all peers share,
  /// and the other peers would get no beats.
  static constexpr std::size_t kMaxRings = 2;

  /// Throws `TransportError` when descriptors are short.
  HeartbeatLink(const PeerGroup& group, const Peer& peer);

  /// Rings `word`. With kMaxRings in flight nothing is posted; `on_ring_complete` then rings the latest word.
  void ring(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag);

  /// To be called for each ring that completes; `word` is the latest word.
  void on_ring_complete(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag);

  /// A word was received, or none could be received. Ends a suspicion of silence, but no other.
  void on_sign_of_life(std::chrono::steady_clock::time_point now);

  int rank;
  OwnedFd process;  // pidfd of a peer on this host; empty where the kernel has none
  std::optional<Connection> connection;
  std::chrono::steady_clock::time_point last_word_at;
  std::optional<Suspicion> suspicion;
  std::size_t rings_in_flight = 0;
  bool skipped_ring = false;      // because kMaxRings were in flight
  std::uint16_t checkpoints = 0;  // that its words have asked for
  bool over = false;              // has left or is lost, and is no longer watched
  bool lost = false;              // ended without a last word
};

}  // namespace runnel
