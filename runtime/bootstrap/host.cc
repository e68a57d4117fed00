// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"

namespace runnel {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) {
    throw RunError(ExitStatus::os_limit, std::string("cannot read the host's name: ") + std::strerror(errno));
  }
  return name.data();
}

/// The inode tells namespaces apart; 0 where /proc does not say.
std::string namespace_inode(const char* kind) {
  struct stat status {};
  const std::string path = std::string("/proc/self/ns/") + kind;
  return stat(path.c_str(), &status) == 0 ? std::to_string(status.st_ino) : "0";
}

struct FreeInterfaces {
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

std::vector<NetworkInterface> ipv4_interfaces() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) {
    throw RunError(ExitStatus::os_limit, std::string("cannot list network interfaces: ") + std::strerror(errno));
  }
  const std::unique_ptr<ifaddrs, FreeInterfaces> owner(first);
  std::vector<NetworkInterface> found;
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET || (at->ifa_flags & IFF_UP) == 0) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
    const auto* mask = reinterpret_cast<const sockaddr_in*>(at->ifa_netmask);
    found.push_back({.name = at->ifa_name,
                     .address = ntohl(address->sin_addr.s_addr),
                     .prefix_bits = static_cast<std::uint32_t>(std::popcount(mask->sin_addr.s_addr)),
                     .loopback = (at->ifa_flags & IFF_LOOPBACK) != 0});
  }
  return found;
}

bool reaches(const Host& host, const NetworkInterface& wanted) {
  return std::any_of(host.interfaces.begin(), host.interfaces.end(), [&](const NetworkInterface& candidate) {
    return !candidate.loopback && candidate.prefix_bits == wanted.prefix_bits &&
           candidate.network() == wanted.network();
  });
}

/// Whether `other` has the address for itself, as bridges of virtual machines and containers have one address on every
/// host: what goes there stays on the sender's host. Processes in one network namespace have all interfaces alike.
bool has_its_own(std::uint32_t address, const Host& other, const Host& self) {
  return other.identity != self.identity && other.interfaces != self.interfaces &&
         std::ranges::find(other.interfaces, address, &NetworkInterface::address) != other.interfaces.end();
}

}  // namespace

std::uint32_t NetworkInterface::network() const {
  return prefix_bits == 0 ? 0 : address & ~((std::uint64_t{1} << (32 - prefix_bits)) - 1);
}

std::string boot_id() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

Host Host::local() {
  Host host;
  host.name = host_name();
  host.identity = host.name + "/" + boot_id() + "/net:" + namespace_inode("net") + "/pid:" + namespace_inode("pid");
  host.interfaces = ipv4_interfaces();
  return host;
}

std::string choose_interface(const Host& self, const std::vector<Host>& hosts) {
  const bool one_host =
      std::all_of(hosts.begin(), hosts.end(), [&](const Host& host) { return host.identity == self.identity; });
  for (const NetworkInterface& mine : self.interfaces) {
    if (mine.loopback != one_host) continue;
    if (one_host) return mine.name;
    if (std::all_of(hosts.begin(), hosts.end(),
                    [&](const Host& host) { return reaches(host, mine) && !has_its_own(mine.address, host, self); })) {
      return mine.name;
    }
  }
  return "";
}

std::string missing_interface(const std::string& interfaces, const Host& host,
                              const std::vector<std::string>& rdma_ports) {
  std::istringstream names(interfaces + ",");  // getline gives an empty name at the end only before a comma
  for (std::string name; std::getline(names, name, ',');) {
    const bool is_known = std::ranges::find(host.interfaces, name, &NetworkInterface::name) != host.interfaces.end() ||
                          std::ranges::find(rdma_ports, name) != rdma_ports.end();
    if (!is_known) return "'" + name + "'";
  }
  return "";
}

std::string interface_names(const Host& host, const std::vector<std::string>& rdma_ports) {
  std::set<std::string> names(rdma_ports.begin(), rdma_ports.end());
  for (const NetworkInterface& interface : host.interfaces) names.insert(interface.name);
  return names.empty() ? "none" : joined(names, ", ");
}

void require_interfaces(const std::string& interfaces, const Host& self, const std::vector<std::string>& rdma_ports) {
  const std::string missing = missing_interface(interfaces, self, rdma_ports);
  if (missing.empty()) return;
  throw RunError(ExitStatus::bad_configuration, "key 'transport.interface': host " + self.name + " has no " + missing +
                                                    "; use \"auto\" or one of " + interface_names(self, rdma_ports));
}

}  // namespace runnel
