// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "transport/deadline.h"
#include "transport/status.h"
#include "transport/worker.h"

namespace runnel {

struct EndpointState;

/// A connection from this process's worker to a peer's, with detection of the peer's death.
///
/// Declare slabs and completion queues before endpoints: destruction of an endpoint ends the operations that use them.
/// Thread: the worker's.
class Endpoint {
 public:
  /// Starts to connect to the worker whose `Worker::address` the peer sent; `flush` completes when that is done.
  /// The bytes go to UCX unchecked, which crashes on damaged ones: check the frame they came in first.
  /// Throws `TransportError` (unreachable) when no transport leads there.
  Endpoint(Worker& worker, std::span<const std::byte> peer_address);

  /// Closes by force, within a fraction of a second, what `close` has not closed.
  ~Endpoint();

  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  /// Waits until everything posted so far is visible at the peer; connects first where that is still under way.
  /// For set-up: the step path flushes through a CompletionQueue. Errors: peer_lost, deadline_exceeded.
  Status flush(const Deadline& deadline);

  /// The transports in use, for example {"posix/memory", "tcp/lo"}; complete after the first flush.
  std::vector<std::string> transports() const;

  /// True once UCX reported the peer's failure, or after a close. Nothing is posted from then on.
  bool lost() const;

  /// Why the endpoint is lost; ok while it is not, and after a graceful close.
  Status error() const;

  /// Flushes and disconnects. When the peer is lost, or the deadline passes, closes by force instead: operations in
  /// flight then complete as canceled or peer_lost, before this returns unless UCX takes longer than half a second.
  /// Returns the flush's status.
  Status close(const Deadline& deadline);

  Worker& worker() const { return worker_; }

  /// For the files of transport/.
  EndpointState& state() const { return *state_; }

 private:
  void disconnect(unsigned flags, const Deadline& deadline);

  Worker& worker_;
  std::shared_ptr<EndpointState> state_;
};

}  // namespace runnel
