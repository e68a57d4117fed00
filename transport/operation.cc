// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/operation.h"

#include <algorithm>
#include <atomic>
#include <utility>

namespace runnel {
namespace {

// Above 4 GiB UCX emulates puts on posix; far below, a chunk costs nothing.
constexpr std::size_t kChunkBytes = std::size_t{256} << 20;

ucp_request_param_t request_param(void (*callback)(void*, ucs_status_t, void*), Operation& operation) {
  ucp_request_param_t param = {};
  param.op_attr_mask = UCP_OP_ATTR_FIELD_CALLBACK | UCP_OP_ATTR_FIELD_USER_DATA;
  param.cb.send = callback;
  param.user_data = &operation;
  return param;
}

}  // namespace

OperationPool::OperationPool(Context& context, std::size_t operations)
    : operations_(operations),
      words_slab_(Slab::allocate(context, operations * sizeof(std::uint64_t))),
      words_(reinterpret_cast<std::uint64_t*>(words_slab_.bytes().data()), operations) {
  for (Operation& operation : operations_) {
    operation.pool = this;
    operation.next = std::exchange(free_, &operation);
  }
}

Operation* OperationPool::take(EndpointState& endpoint, CompletionKind kind, std::uint64_t tag) {
  Operation* operation = free_;
  if (operation == nullptr) return nullptr;
  free_ = operation->next;
  ++in_use_;
  // Made anew: the last request's `puts_posted` would count puts of another endpoint as flushed.
  *operation = {.pool = this,
                .endpoint = &endpoint,
                .outstanding = 1,  // the caller's, who calls `release` when all is posted
                .completion = {.kind = kind, .tag = tag, .value = 0, .status = {}}};
  return operation;
}

bool OperationPool::pop(Completion& completion) {
  Operation* operation = done_first_;
  if (operation == nullptr) return false;
  done_first_ = operation->next;
  if (done_first_ == nullptr) done_last_ = nullptr;
  completion = operation->completion;
  operation->next = std::exchange(free_, operation);
  --in_use_;
  return true;
}

void OperationPool::post_put(Operation& operation, const RemoteRegion& region, std::size_t offset,
                             std::span<const std::byte> source, ucp_mem_h memory) {
  ucp_request_param_t param = request_param(&OperationPool::on_complete, operation);
  param.op_attr_mask |= UCP_OP_ATTR_FIELD_MEMH;
  param.memh = memory;
  ++operation.endpoint->puts_posted;
  for (std::size_t at = 0; at < source.size(); at += kChunkBytes) {
    const std::size_t bytes = std::min(kChunkBytes, source.size() - at);
    note(operation,
         ucp_put_nbx(operation.endpoint->handle, source.data() + at, bytes, region.address(offset + at),
                     region.key().get(), &param),
         "put");
  }
}

void OperationPool::post_get(Operation& operation, const RemoteRegion& region, std::size_t offset,
                             std::span<std::byte> target, ucp_mem_h memory) {
  ucp_request_param_t param = request_param(&OperationPool::on_complete, operation);
  param.op_attr_mask |= UCP_OP_ATTR_FIELD_MEMH;
  param.memh = memory;
  for (std::size_t at = 0; at < target.size(); at += kChunkBytes) {
    const std::size_t bytes = std::min(kChunkBytes, target.size() - at);
    note(operation,
         ucp_get_nbx(operation.endpoint->handle, target.data() + at, bytes, region.address(offset + at),
                     region.key().get(), &param),
         "get");
  }
}

void OperationPool::begin_ring(Operation& operation) {
  if (operation.endpoint->puts_flushed != operation.endpoint->puts_posted) flush(operation);
}

void OperationPool::flush(Operation& operation) {
  const ucp_request_param_t param = request_param(&OperationPool::on_complete, operation);
  operation.puts_posted = operation.endpoint->puts_posted;
  note(operation, ucp_ep_flush_nbx(operation.endpoint->handle, &param), "flush");
}

void OperationPool::note(Operation& operation, ucs_status_ptr_t request, const char* name) {
  Status& status = operation.completion.status;
  if (UCS_PTR_IS_PTR(request)) {
    ++operation.outstanding;
  } else if (status.ok()) {
    status = Status::from_ucx(UCS_PTR_STATUS(request), name);
  }
}

void OperationPool::on_complete(void* request, ucs_status_t status, void* data) {
  ucp_request_free(request);
  auto& operation = *static_cast<Operation*>(data);
  if (operation.completion.status.ok()) operation.completion.status = Status::from_ucx(status, "transfer");
  operation.pool->release(operation);
}

void OperationPool::release(Operation& operation) {
  if (--operation.outstanding == 0) advance(operation);
}

// What was posted last is complete: payload and its flush, or a bell's word and its flush.
void OperationPool::advance(Operation& operation) {
  std::uint64_t& flushed = operation.endpoint->puts_flushed;
  const bool ok = operation.completion.status.ok();
  if (operation.bell == nullptr) return finish(operation);
  if (ok) flushed = std::max(flushed, operation.puts_posted);
  if (operation.bell->ringer == &operation) return end_ring(*operation.bell);
  ok ? join_bell(operation) : finish(operation);
}

void OperationPool::join_bell(Operation& operation) {
  RingState& bell = *operation.bell;
  const std::uint64_t value = operation.completion.value;
  if (bell.mapped_word != nullptr && !operation.endpoint->lost()) {
    if (value > bell.rung) {
      bell.rung = value;
      std::atomic_ref(*bell.mapped_word).store(value, std::memory_order_release);
      bell.mapped_park->wake();
    }
    return finish(operation);
  }
  operation.next = std::exchange(bell.waiting, &operation);
  if (bell.ringer == nullptr) start_ring(bell);
}

// Rings the highest value that waits: an endpoint's flush covers all puts before it, so where the payload of that value
// has arrived, so have those of all values below.
void OperationPool::start_ring(RingState& bell) {
  Operation* ringer = bell.waiting;
  for (Operation* other = ringer; other != nullptr; other = other->next) {
    if (other->completion.value > ringer->completion.value) ringer = other;
  }
  bell.ringer = ringer;
  ringer->outstanding = 1;
  if (bell.endpoint->lost()) {
    ringer->completion.status = Status(StatusCode::peer_lost, "ring");
    return release(*ringer);
  }
  std::uint64_t& word = words_[static_cast<std::size_t>(ringer - operations_.data())];
  word = ringer->completion.value;
  ucp_request_param_t param = request_param(&OperationPool::on_complete, *ringer);
  param.op_attr_mask |= UCP_OP_ATTR_FIELD_MEMH;
  param.memh = words_slab_.handle();
  ++bell.endpoint->puts_posted;
  note(*ringer, ucp_put_nbx(bell.endpoint->handle, &word, sizeof word, bell.address, bell.key.get(), &param), "ring");
  flush(*ringer);
  release(*ringer);
}

void OperationPool::end_ring(RingState& bell) {
  const Completion& rung = bell.ringer->completion;
  const Status status = rung.status;
  if (status.ok()) bell.rung = rung.value;
  Operation* waiting = std::exchange(bell.waiting, nullptr);
  bell.ringer = nullptr;
  while (waiting != nullptr) {
    Operation& operation = *std::exchange(waiting, waiting->next);
    if (status.ok() && operation.completion.value > bell.rung) {
      operation.next = std::exchange(bell.waiting, &operation);
      continue;
    }
    operation.completion.status = status;
    finish(operation);
  }
  if (bell.waiting != nullptr) start_ring(bell);
}

void OperationPool::finish(Operation& operation) {
  Status& status = operation.completion.status;
  // What UCX calls it depends on the transport and the moment; that the peer is gone is what counts.
  if (!status.ok() && !operation.endpoint->error.ok()) {
    status = Status(StatusCode::peer_lost, status.operation(), status.ucx_code());
  }
  operation.next = nullptr;
  (done_last_ != nullptr ? done_last_->next : done_first_) = &operation;
  done_last_ = &operation;
}

}  // namespace runnel
