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
  bool operator==(const NetworkInterface&) const = default;
};

/// The host that this process runs on, as far as moving data goes: two network namespaces of one machine are two hosts.
struct Host {
  std::string name;                          ///< as `hostname` prints it
  std::string identity;                      ///< equal for two processes exactly when they share host and namespaces
  std::vector<NetworkInterface> interfaces;  ///< in the kernel's order

  /// Reads the host's facts. Throws `RunError` (71) when the system refuses them.
  static Host local();
};

/// Of the running kernel: equal for two processes exactly when they share a machine, whatever their namespaces. Empty
/// where /proc does not say.
std::string boot_id();

/// The interface of `self` to reach peers on `hosts` (which contains `self`) with: loopback when all are one host, else
/// the first one whose network every host has an interface in, and whose address no other host has too, as docker0
/// has one address everywhere. Empty when there is none: UCX then chooses.
std::string choose_interface(const Host& self, const std::vector<Host>& hosts);

/// In quotes: the first of `interfaces`, the names in transport.interface with commas between, that `host` does not
/// have; empty when it has all. `rdma_ports`: those of the host that UCX can use.
std::string missing_interface(const std::string& interfaces, const Host& host,
                              const std::vector<std::string>& rdma_ports);

/// What transport.interface may name on `host`, with commas between.
std::string interface_names(const Host& host, const std::vector<std::string>& rdma_ports);

/// Throws `RunError` (78) with what `self` has when it has not all `interfaces`: UCX would say only that no transport
/// is left. Parameters as for `missing_interface`.
void require_interfaces(const std::string& interfaces, const Host& self, const std::vector<std::string>& rdma_ports);

}  // namespace runnel
