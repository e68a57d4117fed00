// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "transport/status.h"
#include "transport/ucx_handle.h"

namespace runnel {

struct RingState;

/// What an Endpoint shares with the operations towards its peer. It outlives the endpoint, with the worker, when UCX
/// does not end them in the time of a forced close. Private to transport/.
struct EndpointState {
  ucp_ep_h handle = nullptr;
  Status error;         ///< why UCX gave the peer up; ok while it has not
  bool closed = false;  ///< or being closed: nothing is posted from then on

  std::uint64_t puts_posted = 0;   ///< operations that a flush must cover before a bell may ring
  std::uint64_t puts_flushed = 0;  ///< how many of them one has covered

  std::vector<UcpRkeyHandle> keys;                ///< of the peer's regions: needed as long as operations are posted
  std::vector<std::shared_ptr<RingState>> bells;  ///< of the peer

  bool lost() const { return !error.ok() || closed; }
};

}  // namespace runnel
