// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/remote_region.h"

#include <cstring>

#include "transport/endpoint_state.h"
#include "transport/status.h"

namespace runnel {

RemoteRegion::RemoteRegion(Endpoint& endpoint, const RegionDescriptor& descriptor, MappingPolicy policy,
                           MemoryAccess* access)
    : endpoint_(&endpoint),
      base_(descriptor.base),
      length_(descriptor.length),
      kind_(descriptor.kind),
      access_(kind_ == MemoryKind::host ? nullptr : access) {
  endpoint.worker().assert_thread();
  if (endpoint.lost()) throw TransportError(StatusCode::peer_lost, "a region of a peer that is lost");
  ucp_rkey_h key = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_ep_rkey_unpack(endpoint.state().handle, descriptor.packed_key.data(), &key),
                                   "ucp_ep_rkey_unpack"));
  key_ = UcpRkeyHandle(key, UcpRkeyDeleter());
  endpoint.state().keys.push_back(key_);
  void* local = nullptr;
  const bool reachable = kind_ == MemoryKind::host || access_ != nullptr;
  if (policy == MappingPolicy::when_possible && reachable && ucp_rkey_ptr(key, base_, &local) == UCS_OK) {
    mapped_ = {static_cast<std::byte*>(local), length_};
  }
}

void RemoteRegion::read(std::size_t offset, std::span<std::byte> target) const {
  const std::byte* const source = mapped_.subspan(offset, target.size()).data();
  if (access_ != nullptr) return access_->copy_now(target.data(), source, target.size());
  std::memcpy(target.data(), source, target.size());
}

}  // namespace runnel
