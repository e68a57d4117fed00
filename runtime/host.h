// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runnel {

/// An IPv4 network interface of this host that is up.
struct NetworkInterface {
  std::string name;
  std::uint32_t address = 0;      ///< host byte order
  std::uint32_t prefix_bits = 0;  ///< length of the network part, 0 … 32
  bool loopback = false;

  std::uint32_t network() const;
};

/// The host that this process runs on, as far as moving data goes: two network namespaces of one machine are two hosts.
struct Host {
  std::string name;                          ///< as `hostname` prints it
  std::string identity;                      ///< equal for two processes exactly when they share host and namespaces
  std::vector<NetworkInterface> interfaces;  ///< in the kernel's order

  /// Reads the host's facts. Throws `RunError` (71) when the system refuses them.
  static Host local();
};

/// The interface of `self` to reach peers on `hosts` (which contains `self`) with: loopback when all are one host, else
/// the first one whose network every host has an interface in. Empty when there is none: UCX then chooses.
std::string choose_interface(const Host& self, const std::vector<Host>& hosts);

/// Throws `RunError` (78) with what `self` has when `interfaces`, the names in transport.interface with commas between,
/// has something else: UCX would say only that no transport is left. `rdma_ports`: those of `self` that UCX can use.
void require_interfaces(const std::string& interfaces, const Host& self, const std::vector<std::string>& rdma_ports);

}  // namespace runnel
