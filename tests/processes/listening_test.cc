// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// Whoever reaches a port of the job can write into it, so a job on one host listens on loopback only.
namespace runnel::test {
namespace {

/// The local addresses, as /proc/net prints them, of the TCP sockets on which `pid` listens.
std::vector<std::string> listening_addresses(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::set<std::string> inodes;
  for (const auto& entry : std::filesystem::directory_iterator(process + "/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
  std::vector<std::string> addresses;
  for (const char* table : {"/net/tcp", "/net/tcp6"}) {
    std::ifstream lines(process + table);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream columns(line);
      std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      columns >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
      constexpr const char* kListening = "0A";
      if (state == kListening && inodes.contains(inode)) addresses.push_back(local.substr(0, local.find(':')));
    }
  }
  return addresses;
}

TEST(ListeningTest, OneHostListensOnLoopbackOnly) {
  const RunnelProgram program;
  // The tests' environment keeps UCX on loopback; here Runnel itself has to.
  const std::vector<std::string> env = {"env", "-u", "UCX_NET_DEVICES"};
  Job job({.argv = env +
                   program.train(endless() + std::vector<std::string>{"-n", "2", "--set", "transport.path=emulated"})});
  job.await_output("step 3/");
  for (int rank = 0; rank < 3; ++rank) {
    const auto addresses = listening_addresses(job.await_rank(rank));
    EXPECT_FALSE(addresses.empty()) << "rank " << rank << " listens nowhere: how does it get gradients over tcp?";
    constexpr const char* kLoopback = "0100007F";  // 127.0.0.1
    for (const std::string& address : addresses) EXPECT_EQ(address, kLoopback) << "rank " << rank;
  }
}

}  // namespace
}  // namespace runnel::test
