// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/remote_region.h"

#include <string>

#include "transport/endpoint_state.h"
#include "transport/status.h"

namespace runnel {

RemoteRegion::RemoteRegion(Endpoint& endpoint, const RegionDescriptor& descriptor, MappingPolicy policy)
    : endpoint_(&endpoint), base_(descriptor.base), length_(descriptor.length), kind_(descriptor.kind) {
  endpoint.worker().assert_thread();
  if (kind_ != MemoryKind::host) {
    throw TransportError(StatusCode::unsupported,
                         "this build reaches host memory only, not " + std::string(to_string(kind_)));
  }
  if (endpoint.lost()) throw TransportError(StatusCode::peer_lost, "a region of a peer that is lost");
  ucp_rkey_h key = nullptr;
  throw_unless_ok(Status::from_ucx(ucp_ep_rkey_unpack(endpoint.state().handle, descriptor.packed_key.data(), &key),
                                   "ucp_ep_rkey_unpack"));
  key_ = UcpRkeyHandle(key, UcpRkeyDeleter());
  endpoint.state().keys.push_back(key_);
  void* local = nullptr;
  if (policy == MappingPolicy::when_possible && ucp_rkey_ptr(key, base_, &local) == UCS_OK) {
    mapped_ = {static_cast<std::byte*>(local), length_};
  }
}

}  // namespace runnel
