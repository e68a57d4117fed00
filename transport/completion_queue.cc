// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/completion_queue.h"

#include <cstring>

#include "transport/log.h"
#include "transport/operation.h"

namespace runnel {
namespace {

/// Why a request between `local` (of `slab`) and `offset` of `region` cannot be posted; ok when it can.
Status check(const RemoteRegion& region, std::size_t offset, std::span<const std::byte> local, const Slab& slab,
             const char* operation) {
  if (local.empty()) return Status(StatusCode::invalid, operation);
  if (!region.contains(offset, local.size()) || !slab.contains(local))
    return Status(StatusCode::out_of_range, operation);
  if (offset % kPayloadAlignment != 0 || local.size() % kPayloadAlignment != 0) {
    return Status(StatusCode::misaligned, operation);
  }
  // What is mapped of a GPU's memory, or goes from there to mapped memory, its owner's streams copy.
  const bool on_host = region.kind() == MemoryKind::host && slab.kind() == MemoryKind::host;
  if (region.is_mapped() && !on_host) return Status(StatusCode::unsupported, operation);
  if (region.endpoint().lost()) return Status(StatusCode::peer_lost, operation, region.endpoint().error().ucx_code());
  return Status();
}

Status check(const RingState& bell, std::uint64_t value) {
  if (value <= bell.latest) return Status(StatusCode::invalid, "ring");
  if (bell.endpoint->lost()) return Status(StatusCode::peer_lost, "ring", bell.endpoint->error.ucx_code());
  return Status();
}

}  // namespace

CompletionQueue::CompletionQueue(Worker& worker, std::size_t operations)
    : worker_(worker), operations_(std::make_shared<OperationPool>(worker.context(), operations)) {
  worker.keep(operations_);
}

void CompletionQueue::watch(const Bell& bell, std::uint64_t tag) {
  worker_.assert_thread();
  bells_.push_back({.bell = bell, .tag = tag, .seen = 0});
}

void CompletionQueue::watch(const Endpoint& endpoint, std::uint64_t tag) {
  worker_.assert_thread();
  endpoints_.push_back({.endpoint = &endpoint, .tag = tag, .reported = false});
}

Status CompletionQueue::put(const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source,
                            const Slab& slab, std::uint64_t tag) {
  worker_.assert_thread();
  if (Status status = check(region, offset, source, slab, "put"); !status.ok()) return status;
  Operation* operation = operations_->take(region.endpoint().state(), CompletionKind::source_reusable, tag);
  if (operation == nullptr) return Status(StatusCode::queue_full, "put");
  write(*operation, region, offset, source, slab);
  operations_->release(*operation);
  return Status();
}

Status CompletionQueue::put_and_ring(const RemoteRegion& region, std::size_t offset, std::span<const std::byte> source,
                                     const Slab& slab, RemoteBell& bell, std::uint64_t value, std::uint64_t tag) {
  worker_.assert_thread();
  if (Status status = check(region, offset, source, slab, "put_and_ring"); !status.ok()) return status;
  if (Status status = check(*bell.state_, value); !status.ok()) return status;
  if (bell.state_->endpoint != &region.endpoint().state()) return Status(StatusCode::invalid, "put_and_ring");
  Operation* operation = operations_->take(region.endpoint().state(), CompletionKind::visible_at_peer, tag);
  if (operation == nullptr) return Status(StatusCode::queue_full, "put_and_ring");
  write(*operation, region, offset, source, slab);
  begin_ring(*operation, bell, value);
  return Status();
}

Status CompletionQueue::ring(RemoteBell& bell, std::uint64_t value, std::uint64_t tag) {
  worker_.assert_thread();
  if (Status status = check(*bell.state_, value); !status.ok()) return status;
  Operation* operation = operations_->take(*bell.state_->endpoint, CompletionKind::visible_at_peer, tag);
  if (operation == nullptr) return Status(StatusCode::queue_full, "ring");
  begin_ring(*operation, bell, value);
  return Status();
}

Status CompletionQueue::get(const RemoteRegion& region, std::size_t offset, std::span<std::byte> target,
                            const Slab& slab, std::uint64_t tag) {
  worker_.assert_thread();
  if (Status status = check(region, offset, target, slab, "get"); !status.ok()) return status;
  Operation* operation = operations_->take(region.endpoint().state(), CompletionKind::data_arrived, tag);
  if (operation == nullptr) return Status(StatusCode::queue_full, "get");
  if (region.is_mapped()) {
    std::memcpy(target.data(), region.mapped().data() + offset, target.size());
  } else {
    operations_->post_get(*operation, region, offset, target, slab.handle());
  }
  operations_->release(*operation);
  return Status();
}

void CompletionQueue::write(Operation& operation, const RemoteRegion& region, std::size_t offset,
                            std::span<const std::byte> source, const Slab& slab) {
  if (region.is_mapped()) {
    std::memcpy(region.mapped().data() + offset, source.data(), source.size());
  } else {
    operations_->post_put(operation, region, offset, source, slab.handle());
  }
}

void CompletionQueue::begin_ring(Operation& operation, RemoteBell& bell, std::uint64_t value) {
  bell.state_->latest = value;
  operation.bell = bell.state_.get();
  operation.completion.value = value;
  operations_->begin_ring(operation);
  operations_->release(operation);
}

std::size_t CompletionQueue::poll(std::span<Completion> completions) {
  worker_.progress();
  std::size_t count = 0;
  for (WatchedBell& watched : bells_) {
    if (count == completions.size()) return count;
    const std::uint64_t value = watched.bell.value();
    if (value <= watched.seen) continue;
    watched.seen = value;
    completions[count++] = {.kind = CompletionKind::bell, .tag = watched.tag, .value = value, .status = {}};
  }
  while (count < completions.size() && operations_->pop(completions[count])) ++count;
  for (WatchedEndpoint& watched : endpoints_) {
    if (count == completions.size()) return count;
    const Status error = watched.endpoint->error();
    if (watched.reported || error.ok()) continue;
    watched.reported = true;
    completions[count++] = {.kind = CompletionKind::peer_lost, .tag = watched.tag, .value = 0, .status = error};
  }
  return count;
}

CompletionQueue::Polled CompletionQueue::wait(std::span<Completion> completions, Waiter& waiter,
                                              const Deadline& deadline) {
  Polled polled;
  polled.status = waiter.wait([&] { return (polled.count = poll(completions)) > 0; }, deadline);
  return polled;
}

std::size_t CompletionQueue::in_flight() const {
  return operations_->in_use();
}

}  // namespace runnel
