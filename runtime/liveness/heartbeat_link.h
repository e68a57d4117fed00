// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "runtime/bootstrap/connection_offer.h"
#include "runtime/bootstrap/peer_group.h"
#include "transport/bell.h"
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

  /// Throws `TransportError` when descriptors are short.
  HeartbeatLink(const PeerGroup& group, const Peer& peer);

  int rank;
  OwnedFd process;  // pidfd of a peer on this host; none where the kernel cannot give one
  std::optional<Connection> connection;
  std::chrono::steady_clock::time_point heard;
  int rings_under_way = 0;
  bool over = false;  // has left or is lost: no longer watched
  bool lost = false;  // without a last word
};

}  // namespace runnel
