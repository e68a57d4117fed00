// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/peer_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <thread>

namespace runnel::test {
namespace {

constexpr const char* kFunctionVariable = "RUNNEL_TEST_PEER";
constexpr const char* kArgumentVariable = "RUNNEL_TEST_ARGUMENT_";

std::map<std::string, PeerFunction>& peers() {
  static std::map<std::string, PeerFunction> functions;
  return functions;
}

/// The wait status of `pid` once it has ended; nothing at the deadline.
std::optional<int> wait_for(pid_t pid, const Deadline& deadline) {
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (deadline.expired()) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return status;
}

}  // namespace

Deadline test_deadline() {
  return Deadline::after(std::chrono::seconds(20));
}

void print_stacks(pid_t pid) {
  const std::string command =
      "gdb -batch -nx -p " + std::to_string(pid) + " -ex 'thread apply all backtrace 16' 2>/dev/null >&2";
  if (std::system(command.c_str()) != 0) std::cerr << "no stacks of process " << pid << ": gdb failed\n";
}

bool register_peer(const std::string& name, PeerFunction function) {
  return peers().emplace(name, function).second;
}

std::optional<int> run_as_peer() {
  const char* function = std::getenv(kFunctionVariable);
  const auto place = LocalPlace::from_environment();
  if (function == nullptr || !place) return std::nullopt;
  std::vector<std::string> arguments;
  while (const char* argument = std::getenv((kArgumentVariable + std::to_string(arguments.size())).c_str())) {
    arguments.emplace_back(argument);
  }
  try {
    LocalBootstrap bootstrap(*place, test_deadline());
    peers().at(function)(bootstrap, arguments);
  } catch (const std::exception& error) {
    std::cerr << "peer " << function << ", rank " << place->rank << ": " << error.what() << '\n';
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}

PeerProcesses::PeerProcesses(const std::string& function, const std::vector<std::string>& arguments, int count,
                             const std::vector<std::pair<std::string, std::string>>& environment) {
  const LocalPlace place = LocalPlace::fresh(count + 1);
  auto variables = environment;
  variables.emplace_back(kFunctionVariable, function);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    variables.emplace_back(kArgumentVariable + std::to_string(i), arguments[i]);
  }
  for (int rank = 1; rank <= count; ++rank) {
    pids_.push_back(start_process(place.with_rank(rank), {"/proc/self/exe"}, variables));
  }
  bootstrap_.emplace(place, test_deadline());
}

PeerProcesses::~PeerProcesses() {
  bootstrap_.reset();  // a peer that still waits in it learns that nobody comes
  join();
}

void PeerProcesses::signal(int rank, int signal) {
  pid_t& pid = pids_.at(static_cast<std::size_t>(rank - 1));
  kill(pid, signal);
  if (signal != SIGKILL) return;
  EXPECT_TRUE(wait_for(pid, test_deadline()).has_value()) << "a killed process did not end";
  pid = 0;
}

void PeerProcesses::join() {
  const Deadline deadline = test_deadline();
  for (std::size_t i = 0; i < pids_.size(); ++i) join(static_cast<int>(i) + 1, deadline);
}

void PeerProcesses::join(int rank, const Deadline& deadline) {
  pid_t& pid = pids_.at(static_cast<std::size_t>(rank - 1));
  if (pid == 0) return;
  const auto status = wait_for(pid, deadline);
  if (!status) {
    ADD_FAILURE() << "peer process " << pid << " did not end in time";
    print_stacks(pid);
    print_stacks(getpid());
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  } else {
    EXPECT_TRUE(WIFEXITED(*status) && WEXITSTATUS(*status) == 0) << "a peer process failed, wait status " << *status;
  }
  pid = 0;
}

}  // namespace runnel::test
