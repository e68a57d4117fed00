// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ucp/api/ucp.h>

#include <memory>

namespace runnel {

struct UcpContextDeleter {
  void operator()(ucp_context* context) const { ucp_cleanup(context); }
};
struct UcpWorkerDeleter {
  void operator()(ucp_worker* worker) const { ucp_worker_destroy(worker); }
};
struct UcpConfigDeleter {
  void operator()(ucp_config_t* config) const { ucp_config_release(config); }
};
struct UcpRkeyDeleter {
  void operator()(ucp_rkey* rkey) const { ucp_rkey_destroy(rkey); }
};

using UcpContextHandle = std::unique_ptr<ucp_context, UcpContextDeleter>;
using UcpWorkerHandle = std::unique_ptr<ucp_worker, UcpWorkerDeleter>;
using UcpConfigHandle = std::unique_ptr<ucp_config_t, UcpConfigDeleter>;

/// Shared between a RemoteRegion and its Endpoint: an operation in flight needs the key until the endpoint is closed.
using UcpRkeyHandle = std::shared_ptr<ucp_rkey>;

}  // namespace runnel
