// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/processes/open_mpi_5.h"
#include "tests/processes/runnel_program.h"

/// Whoever reaches a port of the job can write into it, so a job on one host listens on loopback only.
namespace runnel::test {
namespace {

/// The local addresses, as /proc/net prints them, of the TCP sockets on which `pid` listens.
std::vector<std::string> listening_addresses(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::set<std::string> inodes;
  std::error_code gone;  // the process may end meanwhile
  for (std::filesystem::directory_iterator entry(process + "/fd", gone), end; !gone && entry != end;
       entry.increment(gone)) {
    std::error_code closed;
    const std::string target = std::filesystem::read_symlink(entry->path(), closed);
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

/// What is no address of loopback. 127.0.0.1 and ::1, as /proc prints them.
std::vector<std::string> addresses_of_others(const std::vector<std::string>& addresses) {
  std::vector<std::string> others = addresses;
  std::erase_if(others, [](const std::string& address) {
    return address == "0100007F" || address == "00000000000000000000000001000000";
  });
  return others;
}

std::string name_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
  return name;
}

class ListeningTest : public testing::Test {
 protected:
  /// Looks at all processes of a job, but for those named `except`, from the first on until training.
  static void watch(Job& job, const std::string& except = "") {
    bool is_training = false;
    while (!is_training) {
      is_training = job.output().find("step 3/") != std::string::npos;
      for (const pid_t pid : job.processes()) {
        const std::string name = name_of(pid);
        if (name == except) continue;
        EXPECT_EQ(addresses_of_others(listening_addresses(pid)), std::vector<std::string>()) << name << " " << pid;
      }
      if (HasFailure()) return;
    }
  }

  /// The time in which MPI is up is long enough to be seen.
  static Command command(const std::vector<std::string>& argv) {
    // The tests' environment keeps UCX on loopback; here Runnel itself has to.
    const std::vector<std::string> env = {"env", "-u", "UCX_NET_DEVICES"};
    return {.argv = env + argv,
            .environment = {{"LD_PRELOAD", RUNNEL_MPI_INTERPOSER}, {"RUNNEL_TEST_MPI_DELAY", "2:MPI_Iallgather:1"}}};
  }

  RunnelProgram program_;
};

TEST_F(ListeningTest, OneHostListensOnLoopbackOnly) {
  Job job(command(program_.train(endless() + std::vector<std::string>{"-n", "2", "--set", "transport.path=emulated"})));
  watch(job);
  for (int rank = 0; rank < 3; ++rank) {
    EXPECT_FALSE(listening_addresses(job.await_rank(rank)).empty())
        << "rank " << rank << " listens nowhere: how does it get gradients over tcp?";
  }
}

TEST_F(ListeningTest, WithOpenMpi5Too) {
  if (!OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
  Command with_5 = command(program_.train(endless() + std::vector<std::string>{"-n", "2"}));
  OpenMpi5::use_in(with_5);
  Job job(with_5);
  watch(job);
}

/// mpirun itself is the user's then.
TEST_F(ListeningTest, UnderMpirunRanksListenOnLoopbackOnly) {
  Job job(command(program_.mpirun(3, endless())));
  watch(job, "mpirun");
}

}  // namespace
}  // namespace runnel::test
