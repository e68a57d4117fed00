// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/transport_list.h"

#include <algorithm>
#include <array>
#include <span>

namespace runnel {
namespace {

// As in UCX's ucp_context.c, without what Runnel has no use for. "all" is a word of its own.
constexpr std::array<std::string_view, 3> kMappable = {"posix", "sysv", "xpmem"};
constexpr std::array<std::string_view, 5> kSharedMemory = {"posix", "sysv", "xpmem", "cma", "knem"};
constexpr std::array<std::string_view, 7> kRdma = {"rc_verbs", "rc_mlx5",  "dc_mlx5", "ud_verbs",
                                                   "ud_mlx5",  "gga_mlx5", "srd"};
constexpr std::array<std::string_view, 3> kCuda = {"cuda_copy", "cuda_ipc", "gdr_copy"};

struct Alias {
  std::string_view name;
  std::span<const std::string_view> transports;
};
constexpr Alias kAliases[] = {
    {"mm", kMappable},
    {"sm", kSharedMemory},
    {"shm", kSharedMemory},
    {"cuda", kCuda},
    {"ib", kRdma},
    {"rc", {&kRdma[0], 2}},
    {"rc_v", {&kRdma[0], 1}},
    {"rc_x", {&kRdma[1], 1}},
    {"dc", {&kRdma[2], 1}},
    {"dc_x", {&kRdma[2], 1}},
    {"ud", {&kRdma[3], 2}},
    {"ud_v", {&kRdma[3], 1}},
    {"ud_x", {&kRdma[4], 1}},
    {"gga", {&kRdma[5], 1}},
};

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool names(std::string_view entry, std::string_view transport) {
  if (entry == "all" || entry == transport) return true;
  return std::ranges::any_of(
      kAliases, [&](const Alias& alias) { return alias.name == entry && contains(alias.transports, transport); });
}

std::string_view name_of(std::string_view resource) {
  return resource.substr(0, resource.find('/'));
}

}  // namespace

bool TransportList::selects(std::string_view transport) const {
  std::string_view rest = text_;
  const bool is_negated = rest.starts_with('^');
  if (is_negated) rest.remove_prefix(1);
  if (rest.empty()) return true;
  bool is_named = false;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), entry.size() + 1));
    is_named |= names(entry, transport);
  }
  return is_named != is_negated;
}

bool TransportList::selects_shared_memory() const {
  return std::ranges::any_of(kMappable, [this](std::string_view transport) { return selects(transport); });
}

bool TransportList::selects_rdma() const {
  return std::ranges::any_of(kRdma, [this](std::string_view transport) { return selects(transport); });
}

bool is_shared_memory(std::string_view transport) {
  return contains(kMappable, name_of(transport));
}

bool is_rdma(std::string_view transport) {
  constexpr std::string_view kFamilies[] = {"rc_", "dc_", "ud_", "gga_", "srd"};
  return std::ranges::any_of(kFamilies, [&](std::string_view family) { return transport.starts_with(family); });
}

}  // namespace runnel
