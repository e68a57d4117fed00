// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/mpi_interface.h"

#include <arpa/inet.h>

#include <charconv>
#include <sstream>
#include <vector>

namespace runnel {
namespace {

/// Whether `network`, "10.1.0.0/16", has the interface's address.
bool has_address(const std::string& network, const NetworkInterface& interface) {
  const std::size_t slash = network.find('/');
  if (slash == network.npos) return false;
  in_addr address = {};
  std::uint32_t bits = 0;
  const char* end = network.data() + network.size();
  const auto [at, error] = std::from_chars(network.data() + slash + 1, end, bits);
  if (error != std::errc() || at != end || bits > 32) return false;
  if (inet_pton(AF_INET, network.substr(0, slash).c_str(), &address) != 1) return false;
  const auto network_of = [bits](std::uint32_t one) { return NetworkInterface{"", one, bits}.network(); };
  return network_of(ntohl(address.s_addr)) == network_of(interface.address);
}

bool selects(const std::string& if_include, const NetworkInterface& interface) {
  if (if_include.empty()) return !interface.loopback;
  std::istringstream words(if_include);
  for (std::string word; std::getline(words, word, ',');) {
    if (word == interface.name || has_address(word, interface)) return true;
  }
  return false;
}

}  // namespace

std::optional<NetworkInterface> mpi_interface(const std::string& if_include, const Host& self) {
  std::vector<NetworkInterface> selected;
  for (const NetworkInterface& interface : self.interfaces) {
    if (selects(if_include, interface)) selected.push_back(interface);
  }
  return selected.size() == 1 ? std::optional(selected.front()) : std::nullopt;
}

}  // namespace runnel
