// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/worker.h"

#include <cstdlib>
#include <string_view>

#include "transport/log.h"
#include "transport/shared_memory.h"

namespace runnel {

Worker::Worker(Context& context) : context_(context) {
  constexpr std::string_view kNeeds = "a worker needs";
  if (context.uses_posix()) require_free_shared_memory(kWorkerSharedBytes, kNeeds);
  const std::size_t mapped_before = mapped_shared_memory();
  ucp_worker_params_t params = {};
  params.field_mask = UCP_WORKER_PARAM_FIELD_THREAD_MODE;
  params.thread_mode = UCS_THREAD_MODE_SINGLE;
  ucp_worker_h worker = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_worker_create(context.handle(), &params, &worker), "ucp_worker_create"));
  handle_.reset(worker);
  // Where another process has just taken what was free, UCX makes a worker that leaves posix out.
  if (context.uses_posix() && free_shared_memory() && mapped_shared_memory() == mapped_before) {
    throw_short_of_shared_memory(kWorkerSharedBytes, kNeeds);
  }
  throw_unless_ok(Status::from_ucx(ucp_worker_get_efd(worker, &event_fd_), "ucp_worker_get_efd"));
}

std::vector<std::byte> Worker::address() const {
  assert_thread();
  ucp_address_t* address = nullptr;
  std::size_t length = 0;
  throw_unless_ok(Status::from_ucx(ucp_worker_get_address(handle(), &address, &length), "ucp_worker_get_address"));
  const auto* bytes = reinterpret_cast<const std::byte*>(address);
  std::vector<std::byte> copy(bytes, bytes + length);
  ucp_worker_release_address(handle(), address);
  return copy;
}

bool Worker::progress() {
  assert_thread();
  const bool moved = ucp_worker_progress(handle()) != 0;
  events_ += moved ? 1 : 0;
  return moved;
}

Status Worker::arm() {
  assert_thread();
  return Status::from_ucx(ucp_worker_arm(handle()), "ucp_worker_arm");
}

void Worker::assert_thread() const {
  if (is_owned_by_this_thread()) return;
  log_error("a worker was used by a thread that does not own it");
  std::abort();
}

Status Worker::wait(ucs_status_ptr_t request, const char* operation, const Deadline& deadline) {
  if (!UCS_PTR_IS_PTR(request)) return Status::from_ucx(UCS_PTR_STATUS(request), operation);
  ucs_status_t status = ucp_request_check_status(request);
  while (status == UCS_INPROGRESS && !deadline.expired()) {
    if (!progress()) std::this_thread::yield();
    status = ucp_request_check_status(request);
  }
  ucp_request_free(request);
  if (status == UCS_INPROGRESS) return Status(StatusCode::deadline_exceeded, operation);
  return Status::from_ucx(status, operation);
}

}  // namespace runnel
