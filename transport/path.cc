// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/path.h"

#include <algorithm>

namespace runnel {

std::string_view to_string(Path path) {
  switch (path) {
    case Path::mapped:
      return "mapped";
    case Path::one_sided:
      return "one-sided";
    case Path::emulated:
      return "emulated";
  }
  return "unknown";
}

std::optional<Path> path_from_string(std::string_view name) {
  for (const Path path : {Path::mapped, Path::one_sided, Path::emulated}) {
    if (name == to_string(path)) return path;
  }
  return std::nullopt;
}

ContextOptions context_options_for(Path path, MemoryKind kind) {
  const std::string more = kind == MemoryKind::cuda ? ",cuda_copy,cuda_ipc" : "";
  switch (path) {
    case Path::mapped:
      return {.transports = "posix,self" + more};
    case Path::one_sided:
      return {.transports = "posix,cma,self" + more};
    case Path::emulated:
      return {.transports = "tcp,self" + more};
  }
  return {};
}

MappingPolicy mapping_policy_for(Path path) {
  return path == Path::mapped ? MappingPolicy::when_possible : MappingPolicy::never;
}

ParkOn park_on_for(std::span<const PathReport> peers) {
  const auto is_mapped = [](const PathReport& peer) { return peer.path == Path::mapped; };
  // Emulation over tcp alone: other transports may still write some sizes directly, and wake nobody.
  const auto is_network = [](const PathReport& peer) {
    return peer.path == Path::emulated && std::ranges::all_of(peer.transports, [](const std::string& transport) {
             return transport.starts_with("tcp/");
           });
  };
  if (std::ranges::all_of(peers, is_mapped)) return ParkOn::park_word;
  return std::ranges::all_of(peers, is_network) ? ParkOn::events : ParkOn::capped_events;
}

}  // namespace runnel
