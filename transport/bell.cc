// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/bell.h"

#include <atomic>

#include "transport/endpoint_state.h"
#include "transport/ring_state.h"
#include "transport/status.h"

namespace runnel {
namespace {

static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free, "bells are shared between processes");

void require_line(std::size_t offset, bool inside) {
  if (offset % kLineBytes != 0) throw TransportError(StatusCode::misaligned, "a bell is not on a line of its own");
  if (!inside) throw TransportError(StatusCode::out_of_range, "a bell leaves its region");
}

void require_host(MemoryKind kind) {
  if (kind != MemoryKind::host) throw TransportError(StatusCode::unsupported, "bells live in host memory");
}

std::uint64_t* word_at(std::span<std::byte> memory, std::size_t offset) {
  return reinterpret_cast<std::uint64_t*>(memory.data() + offset);
}

}  // namespace

Bell::Bell(const Slab& slab, std::size_t offset) {
  const std::size_t size = slab.bytes().size();
  require_host(slab.kind());
  require_line(offset, size >= kLineBytes && offset <= size - kLineBytes);
  word_ = word_at(slab.bytes(), offset);
}

std::uint64_t Bell::value() const {
  return std::atomic_ref(*word_).load(std::memory_order_acquire);
}

RemoteBell::RemoteBell(const RemoteRegion& region, std::size_t bell_offset, std::size_t park_offset) {
  require_host(region.kind());
  require_line(bell_offset, region.contains(bell_offset, kLineBytes));
  require_line(park_offset, region.contains(park_offset, kLineBytes));
  state_ = std::make_shared<RingState>();
  state_->endpoint = &region.endpoint().state();
  state_->key = region.key();
  state_->address = region.address(bell_offset);
  if (region.is_mapped()) {
    state_->mapped_word = word_at(region.mapped(), bell_offset);
    state_->mapped_park = ParkWord(region.mapped(), park_offset);
  }
  region.endpoint().state().bells.push_back(state_);
}

bool RemoteBell::reached() const {
  return state_->rung == state_->latest;
}

}  // namespace runnel
