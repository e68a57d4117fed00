// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace runnel {

/// A value of UCX_TLS: names of transports and UCX's aliases for groups of them, or behind "^" those that are not
/// wanted. Empty: every transport.
class TransportList {
 public:
  explicit TransportList(std::string_view ucx_tls) : text_(ucx_tls) {}

  /// Whether the transport of UCX's name `transport` ("posix", "rc_mlx5") is selected.
  bool selects(std::string_view transport) const;

  /// Whether any transport is selected that can map a peer's host memory.
  bool selects_shared_memory() const;

  /// Whether any transport over RDMA devices is selected.
  bool selects_rdma() const;

 private:
  std::string text_;
};

/// Of a transport's name, or of a resource as `Endpoint::transports` gives it ("rc_mlx5/mlx5_0:1").
bool is_shared_memory(std::string_view transport);
bool is_rdma(std::string_view transport);

}  // namespace runnel
