// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "transport/bell.h"
#include "transport/completion_queue.h"
#include "transport/deadline.h"
#include "transport/path.h"
#include "transport/remote_region.h"
#include "transport/slab.h"
#include "transport/status.h"

namespace runnel {

/// Finds the path to a peer by trying it: a put and a get while the peer makes no progress must complete for the path
/// to be one-sided, whatever the transport's name promises.
///
/// The order of calls, on endpoints that are connected (a first bell has been rung both ways): the owner of the region,
/// which reserves `kProbeBytes` for each initiator, calls `prepare`; a barrier in which no process progresses its
/// worker any more; initiators call `run`, owners stay silent; a second such barrier; owners progress, initiators call
/// `finish`. Thread: the worker's.
class PathProbe {
 public:
  /// Large enough that UCX picks the protocol it picks for payload, not the one for a few bytes.
  static constexpr std::size_t kProbeBytes = 32768;

  /// Where a probe area begins in a peer's region.
  struct Place {
    const RemoteRegion& region;
    std::size_t offset;
  };

  /// Fills the probe area at `offset` of the owner's slab. Throws `TransportError`: out_of_range, misaligned.
  static void prepare(const Slab& slab, std::size_t offset);

  /// Probes the area at `payload` with the area at `local_offset` of the own slab, both kProbeBytes. The bell is rung
  /// in the area at `bell`, in host memory of the same peer: the same area where that is host memory, too.
  PathProbe(const Place& payload, const Place& bell, const Slab& local, std::size_t local_offset);

  /// Tries, for at least 20 ms (200 ms with memory of a GPU) and 200 progress calls before it gives up. Throws
  /// `TransportError` when an operation fails or the bytes that arrive are not those that `prepare` wrote.
  PathReport run();

  /// Completes what `run` left under way; the peer must progress now. Errors: deadline_exceeded, peer_lost.
  Status finish(const Deadline& deadline);

 private:
  bool try_once();
  void poll();

  RemoteRegion region_;
  std::size_t remote_offset_;
  const Slab& local_;
  std::size_t local_offset_;
  CompletionQueue queue_;
  RemoteBell bell_;
};

}  // namespace runnel
