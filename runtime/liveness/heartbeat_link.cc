// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/liveness/heartbeat_link.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace runnel {
namespace {

OwnedFd open_process(int pid) {
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return OwnedFd::checked(fd, "pidfd_open");
  return OwnedFd(fd);  // empty: an old kernel, or a process that has ended, whose heartbeats will not come
}

}  // namespace

HeartbeatLink::Connection::Connection(Worker& worker, const ConnectionOffer& offer, const Slab& slab,
                                      std::size_t my_line, std::size_t peer_line)
    : endpoint(worker, offer.liveness_address),
      region(endpoint, offer.heartbeats, MappingPolicy::when_possible),
      inbound(slab, my_line * kLineBytes),
      outbound(region, peer_line * kLineBytes, 0) {}

HeartbeatLink::HeartbeatLink(const PeerGroup& group, const Peer& peer)
    : rank(peer.rank), process(group.same_host(peer, group.self()) ? open_process(peer.pid) : OwnedFd()) {}

void HeartbeatLink::on_sign_of_life(std::chrono::steady_clock::time_point now) {
  last_word_at = now;
  if (suspicion && suspicion->cause == StopCause::no_heartbeat) suspicion.reset();
}

void HeartbeatLink::ring(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag) {
  if (!connection || connection->endpoint.lost()) return;
  skipped_ring = rings_in_flight == kMaxRings;
  // If the queue refuses the ring, the next beat carries all that this one would have.
  if (!skipped_ring && queue.ring(connection->outbound, word, tag).ok()) ++rings_in_flight;
}

void HeartbeatLink::on_ring_complete(CompletionQueue& queue, std::uint64_t word, std::uint64_t tag) {
  --rings_in_flight;
  if (skipped_ring) ring(queue, word, tag);
}

}  // namespace runnel
