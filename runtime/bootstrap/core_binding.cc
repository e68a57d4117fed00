// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/core_binding.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include "runtime/bootstrap/frame.h"
#include "runtime/bootstrap/host.h"
#include "transport/log.h"

namespace runnel {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw RunError(ExitStatus::os_limit, "run.pin: " + what + ": " + std::strerror(errno) + "; set it to false");
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) fail("the system does not say which cores are allowed");
  std::vector<int> cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

/// All threads of this process: libraries may have started some.
void bind_to(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  std::error_code error;
  std::filesystem::directory_iterator threads("/proc/self/task", error);
  for (; !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    if (sched_setaffinity(std::atoi(threads->path().filename().c_str()), sizeof set, &set) == 0) continue;
    if (errno != ESRCH) fail("cannot bind to core " + std::to_string(cores.front()));  // else the thread has just ended
  }
  errno = error.value();
  if (error) fail("cannot list the threads of this process");
}

std::vector<std::byte> pack(const std::string& machine, const std::vector<int>& allowed) {
  FrameWriter writer;
  writer.text(machine);
  writer.u32(static_cast<std::uint32_t>(allowed.size()));
  for (const int core : allowed) writer.u32(static_cast<std::uint32_t>(core));
  return writer.seal(FrameKind::cores);
}

CoreNeed unpack(std::span<const std::byte> frame, const Peer& peer, const Config& config) {
  FrameReader reader(frame, FrameKind::cores, "rank " + std::to_string(peer.rank));
  CoreNeed need;
  need.machine = reader.text();
  for (std::uint32_t left = reader.u32(); left > 0; --left) need.allowed.push_back(static_cast<int>(reader.u32()));
  reader.finish();
  need.threads = static_cast<std::size_t>(peer.role == Role::generator ? config.generator.threads  //
                                                                       : config.trainer.threads);
  return need;
}

std::string refusal(const Peer& peer, const CoreNeed& need, std::size_t left, const std::vector<CoreNeed>& all) {
  std::size_t needed = 0;
  for (const CoreNeed& other : all) needed += other.machine == need.machine ? other.threads : 0;
  return "run.pin: not enough cores: " + peer.name + " on " + peer.host.name + " needs " +
         std::to_string(need.threads) + ", " + std::to_string(left) + " of its " + std::to_string(need.allowed.size()) +
         " allowed cores are free, and the job needs " + std::to_string(needed) +
         " there; no process is pinned: use fewer trainers or threads, or allow more cores";
}

}  // namespace

std::vector<std::vector<int>> deal_cores(const std::vector<CoreNeed>& ranks) {
  std::set<std::pair<std::string, int>> taken;  // machine, core
  std::vector<std::vector<int>> dealt;
  for (const CoreNeed& need : ranks) {
    auto& mine = dealt.emplace_back();
    for (const int core : need.allowed) {
      if (mine.size() < need.threads && taken.emplace(need.machine, core).second) mine.push_back(core);
    }
  }
  return dealt;
}

void bind_to_own_cores(Bootstrap& bootstrap, const PeerGroup& group, const Config& config, const Deadline& deadline) {
  std::vector<CoreNeed> needs;
  for (const auto& frame : bootstrap.all_gather(pack(boot_id(), allowed_cores()), deadline)) {
    needs.push_back(unpack(frame, group.at(static_cast<int>(needs.size())), config));
  }
  const auto dealt = deal_cores(needs);
  for (const Peer& peer : group.all()) {
    const auto rank = static_cast<std::size_t>(peer.rank);
    if (dealt[rank].size() == needs[rank].threads) continue;
    if (group.is_lead()) log_warning(refusal(peer, needs[rank], dealt[rank].size(), needs));
    return;
  }
  bind_to(dealt[static_cast<std::size_t>(bootstrap.rank())]);
}

}  // namespace runnel
