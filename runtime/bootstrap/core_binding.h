// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/bootstrap/bootstrap.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/config/config.h"

namespace runnel {

/// What counts when a process is given cores.
struct CoreNeed {
  std::string machine;       ///< processes of one machine share its cores, whatever their namespaces
  std::vector<int> allowed;  ///< numbers of the cores that the process may use, ascending
  std::size_t threads = 1;
};

/// A core for each thread of each process, by rank: the first ones that it may use and that no rank before it has.
/// A process gets fewer when no more are left.
std::vector<std::vector<int>> deal_cores(const std::vector<CoreNeed>& ranks);

/// Collective: binds every process of the job to cores that no other one has, as many as `config` gives it threads,
/// out of those that it may use. Threads that start later run there too, and memory that is touched first later lies
/// on the cores' NUMA node; so it is called before slabs are made. When some process gets too few, nobody is bound,
/// and rank 0 logs a line that says how many cores are missing where. Throws `RunError` (71) when the system refuses,
/// and as `Bootstrap::all_gather`; `FrameError` for a frame that is none. Thread: the bootstrap's.
void bind_to_own_cores(Bootstrap& bootstrap, const PeerGroup& group, const Config& config, const Deadline& deadline);

}  // namespace runnel
