// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/bootstrap/local_meeting.h"

#include <fstream>
#include <sstream>

namespace runnel {

std::optional<int> ranks_waiting(const LocalPlace& place) {
  std::ifstream sockets("/proc/net/unix");
  return ranks_waiting(sockets, place.socket);
}

std::optional<int> ranks_waiting(std::istream& sockets, const std::string& socket) {
  // Rank 0's ends have the name of the socket that they came from: one that listens, and one for each rank.
  const std::string name = "@" + socket;
  bool listens = false;
  int waiting = 0;
  for (std::string line; std::getline(sockets, line);) {
    std::istringstream columns(line);
    std::string number, references, protocol, flags, type, state, inode, path;
    columns >> number >> references >> protocol >> flags >> type >> state >> inode >> path;
    if (path != name) continue;
    if (state == "01") listens = true;
    if (state == "03") ++waiting;
  }
  return listens ? std::optional(waiting) : std::nullopt;
}

}  // namespace runnel
