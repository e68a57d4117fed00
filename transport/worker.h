// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "transport/context.h"
#include "transport/deadline.h"
#include "transport/status.h"
#include "transport/ucx_handle.h"

namespace runnel {

/// UCX's progress engine. Endpoints and completion queues are made from it, and nothing of theirs moves, nor does any
/// callback run, outside `progress`.
///
/// Thread: the one that made it; every method asserts it, and the methods of everything made from a worker do so too.
class Worker {
 public:
  /// Throws `TransportError`: out_of_memory when shared memory is short, with needed and free bytes.
  explicit Worker(Context& context);

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// What a peer needs to connect an Endpoint to this worker, about 215 bytes; valid as long as the worker lives.
  std::vector<std::byte> address() const;

  /// Moves operations on and runs callbacks. Returns true when something happened.
  bool progress();

  /// How often `progress` returned true; a Waiter reads it to distinguish an idle worker from one that is copying.
  std::uint64_t events() const { return events_; }

  /// Readable when an armed worker has something to progress. Writes through shared memory do not show here.
  int event_fd() const { return event_fd_; }

  /// Prepares `event_fd` for sleeping: ok, or in_progress when there is work to progress first.
  Status arm();

  bool is_owned_by_this_thread() const { return thread_ == std::this_thread::get_id(); }

  /// Ends the program with a message unless the calling thread owns the worker.
  void assert_thread() const;

  /// Keeps `object` alive until UCX can no longer call back into it: until the worker is destroyed.
  void keep(std::shared_ptr<void> object) { kept_.push_back(std::move(object)); }

  /// Progresses until `request` (what a ucp_*_nbx call without a callback returned) is complete or the deadline passes,
  /// and releases it. For set-up and close. Errors: the request's own, or deadline_exceeded.
  Status wait(ucs_status_ptr_t request, const char* operation, const Deadline& deadline);

  Context& context() const { return context_; }
  ucp_worker* handle() const { return handle_.get(); }

 private:
  Context& context_;
  // Destroyed after `handle_`: destroying the worker may complete operations that refer to these.
  std::vector<std::shared_ptr<void>> kept_;
  UcpWorkerHandle handle_;
  int event_fd_ = -1;
  std::uint64_t events_ = 0;
  const std::thread::id thread_ = std::this_thread::get_id();
};

}  // namespace runnel
