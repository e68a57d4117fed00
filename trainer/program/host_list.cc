// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/host_list.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "runtime/base/run_error.h"

namespace runnel {
namespace {

/// A generator, and as many trainers as -n takes.
constexpr std::int64_t kMaxRanks = 1025;

}  // namespace

int ranks_on_hosts(const std::string& hosts) {
  std::int64_t ranks = 0;
  for (std::size_t begin = 0; begin <= hosts.size();) {
    const std::size_t end = std::min(hosts.find(',', begin), hosts.size());
    const std::string host = hosts.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t colon = std::min(host.find(':'), host.size());
    int slots = 1;
    const char* first = host.data() + std::min(colon + 1, host.size());
    const char* last = host.data() + host.size();
    const auto parsed = std::from_chars(first, last, slots);
    const bool number = colon == host.size() || (parsed.ec == std::errc() && parsed.ptr == last);
    if (colon == 0 || !number || slots < 1) {
      throw RunError(ExitStatus::usage, "--hosts: '" + host + "' in '" + hosts +
                                            "' is not a host; expected HOST or HOST:RANKS, separated by commas");
    }
    ranks += slots;
  }
  if (ranks < 2) {
    throw RunError(ExitStatus::usage,
                   "--hosts asks for 1 rank; a job needs a generator and at least one trainer, as in HOST:2");
  }
  if (ranks > kMaxRanks) {
    throw RunError(ExitStatus::usage, "--hosts asks for " + std::to_string(ranks) + " ranks; at most " +
                                          std::to_string(kMaxRanks) + " are possible");
  }
  return static_cast<int>(ranks);
}

}  // namespace runnel
