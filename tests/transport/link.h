// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "transport/completion_queue.h"
#include "transport/path.h"
#include "transport/path_probe.h"

namespace runnel::test {

/// How each side lays out its slab: a park word, the bell the peer rings, a probe area for the peer, one of its own,
/// and the payload.
inline constexpr std::size_t kParkOffset = 0;
inline constexpr std::size_t kBellOffset = kLineBytes;
inline constexpr std::size_t kPeerProbeOffset = 4096;
inline constexpr std::size_t kOwnProbeOffset = kPeerProbeOffset + PathProbe::kProbeBytes;
inline constexpr std::size_t kPayloadOffset = kOwnProbeOffset + PathProbe::kProbeBytes;

enum Tag : std::uint64_t { kBellTag = 1, kPeerTag, kPutTag, kGetTag, kRingTag };

/// One side of two connected processes: all of transport/ that a process needs towards its peer, on a forced path.
class Link {
 public:
  /// Exchanges addresses and descriptors with the other of two ranks, connects, and rings a first bell (value 1) both
  /// ways.
  Link(Bootstrap& bootstrap, Path path, std::size_t payload_bytes);

  std::span<std::byte> payload() { return slab.bytes().subspan(kPayloadOffset, payload_bytes); }

  /// A barrier during which this side's worker progresses, so that the peer can complete what it waits for. A side ends
  /// with it: what leaves earlier takes along the acknowledgement that the other may still need.
  void barrier();

  /// A barrier during which this side makes no progress.
  void silent_barrier() { bootstrap_.barrier(deadline()); }

  /// Waits for the next completion.
  Completion next();

  /// Waits for one completion of `kind` and returns its value; others on the way there are dropped, a failed one or a
  /// lost peer is an exception.
  std::uint64_t await(CompletionKind kind);

  /// Waits until the peer's bell is at `value` or more.
  void await_bell(std::uint64_t value);

  /// Progresses until `done` returns true or the test's deadline passes, which is an exception.
  template <class Done>
  void progress_until(Done&& done) {
    throw_unless_ok(waiter.wait(
        [&] {
          worker.progress();
          return done();
        },
        deadline()));
  }

 private:
  /// What this side sends to the other.
  struct Offer {
    std::vector<std::byte> address;
    RegionDescriptor descriptor;
  };
  static Deadline deadline();
  Offer exchange();

  Bootstrap& bootstrap_;

 public:
  std::size_t payload_bytes;
  Context context;
  Worker worker;
  Slab slab;
  CompletionQueue queue;
  Bell bell;

 private:
  Offer peer_;

 public:
  Endpoint endpoint;
  RemoteRegion region;
  RemoteBell remote_bell;
  Waiter waiter;
};

}  // namespace runnel::test
