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

/// One peer as the heartbeat thread sees it: a process of this host is watched from the start, and every peer by its
/// heartbeats once it is connected. Thread: the heartbeat thread.
struct HeartbeatLink {
  /// The two bells, one each way, and what they need.
  struct Connection {
    /// The peer's beats come to line `my_line` of `slab`, and this process's go to line `peer_line` of the peer's.
    Connection(Worker& worker, const ConnectionOffer& offer, const Slab& slab, std::size_t my_line,
               std::size_t peer_line);

    Endpoint endpoint;
    RemoteRegion region;
    Bell inbound;
    RemoteBell outbound;
  };

  /// How many rings to one peer may be under way: one on the wire, and one behind it with newer news. A peer that does
  /// not answer (stopped, behind a broken network) completes none; without a bound its rings would use up the queue
  /// that all peers share, and the others would get no beats.
  static constexpr std::size_t kMostRings = 2;

  /// Throws `TransportError` when descriptors are short.
  HeartbeatLink(const PeerGroup& group, const Peer& peer);

  /// Rings `word`. With kMostRings under way nothing is posted: `on_ring_complete` makes up for it.
  void ring(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag);

  /// To be called for each ring that completes; `word` is what the peer should have by now.
  void on_ring_complete(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag);

  /// A word has come, or there was no chance for one to come. It takes back that the peer is silent, and nothing else.
  void on_sign_of_life(std::chrono::steady_clock::time_point now);

  int rank;
  OwnedFd process;  // pidfd of a peer on this host; none where the kernel cannot give one
  std::optional<Connection> connection;
  /// Signs that the peer is lost, and what they were; its last word, or another process, may still say why it ended.
  struct Suspicion {
    std::chrono::steady_clock::time_point since;
    StopCause cause;
  };

  std::chrono::steady_clock::time_point heard;
  std::optional<Suspicion> suspicion;
  std::size_t rings_under_way = 0;
  bool skipped_ring = false;  // because of kMostRings
  bool over = false;          // has left or is lost: no longer watched
  bool lost = false;          // without a last word
};

}  // namespace runnel
