// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "runtime/config/choices.h"
#include "transport/path.h"

namespace runnel {

/// What a process knows about its pair with a peer and about its own machine, besides the path that was found.
struct PairFacts {
  bool same_host = true;
  bool on_devices = false;              ///< the tensors that they share lie in memory of devices
  std::string ucx_tls;                  ///< UCX_TLS of the environment or ucx.conf; empty: not set
  std::vector<std::string> rdma_ports;  ///< of this host, as rdma_ports() gives them
  bool ucx_has_rdma = false;
};

/// The facts of a pair of this process's, which is on the same host or not, and shares tensors on devices or not.
PairFacts pair_facts(bool same_host, bool on_devices);

/// Why `path` is less than `require` (a value of transport.require) asks for, and what to do about it, in one clause;
/// empty when the path meets it.
///
/// `rdma` asks for one-sided transfers by an RDMA device between hosts; within one host it is `one_sided`.
std::string unmet_requirement(RequiredPath require, const PathReport& path, const PairFacts& facts);

}  // namespace runnel
