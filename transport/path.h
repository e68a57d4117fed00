// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "transport/context.h"
#include "transport/memory_kind.h"
#include "transport/remote_region.h"
#include "transport/waiter.h"

namespace runnel {

/// How bytes reach a peer, from worst to best: `a >= b` reads "a is at least b".
enum class Path : std::uint8_t {
  emulated,   ///< UCX's software emulation: the target must progress
  one_sided,  ///< ucp_put and ucp_get with the target's CPU idle
  mapped,     ///< the peer's slab is mapped here: plain loads and stores
};

/// "mapped", "one-sided", "emulated"; and back, nothing for another word.
std::string_view to_string(Path path);
std::optional<Path> path_from_string(std::string_view name);

/// What forces every pair of processes on one host onto `path`: transports for the Context of a process that has
/// tensors in memory of `kind`, a policy for RemoteRegions.
ContextOptions context_options_for(Path path, MemoryKind kind = MemoryKind::host);
MappingPolicy mapping_policy_for(Path path);

/// What a pair of processes uses, and why it is not more.
struct PathReport {
  Path path = Path::emulated;
  std::vector<std::string> transports;
  std::string reason;  ///< one sentence
};

/// What a Waiter should park on, from the paths by which this process's peers write to it.
ParkOn park_on_for(std::span<const PathReport> peers);

}  // namespace runnel
