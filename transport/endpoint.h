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
#include "transport/ucx_handle.h"
#include "transport/worker.h"

namespace runnel {

/// A connection from this process's worker to a peer's, with detection of the peer's death.
///
/// Declare slabs and completion queues before endpoints: destruction of an endpoint ends the operations that use them.
/// Thread: the worker's.
class Endpoint {
 public:
  /// Starts to connect to the worker whose `Worker::address` the peer sent; `flush` tells when that is done.
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
  bool lost() const { return !error_.ok() || closed_; }

  /// Why the endpoint is lost; ok while it is not, and after a graceful close.
  Status error() const { return error_; }

  /// Flushes and disconnects. When the peer is lost, or the deadline passes, closes by force instead: operations in
  /// flight then complete as canceled or peer_lost. On return nothing is in flight. Returns the flush's status.
  Status close(const Deadline& deadline);

  /// Keeps `object` alive until the endpoint is closed, as an operation in flight may use it until then.
  void keep(std::shared_ptr<void> object) { kept_.push_back(std::move(object)); }

  /// Operations posted that a flush must cover before a bell may ring, and how many of them one has covered.
  struct Puts {
    std::uint64_t posted = 0;
    std::uint64_t flushed = 0;
  };
  Puts& puts() { return puts_; }

  Worker& worker() const { return worker_; }
  ucp_ep_h handle() const { return handle_; }

 private:
  static void on_error(void* self, ucp_ep_h handle, ucs_status_t status);
  void close_by_force(const Deadline& deadline);

  Worker& worker_;
  ucp_ep_h handle_ = nullptr;
  Status error_;
  bool closed_ = false;
  Puts puts_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace runnel
