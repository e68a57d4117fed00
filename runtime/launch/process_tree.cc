// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/process_tree.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace runnel {

ProcessState state_of(pid_t process) {
  std::string record;
  std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), record);
  // After the name in brackets, which may contain anything: state, parent, … (proc(5)).
  std::istringstream fields(record.substr(std::min(record.rfind(')') + 1, record.size())));
  ProcessState state;
  fields >> state.letter >> state.parent;
  return state;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  std::error_code error;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(parent) + "/task", error)) {
    std::ifstream list(thread.path() / "children");
    for (pid_t child = 0; list >> child;) children.push_back(child);
  }
  return children;
}

int tasks_of_user() {
  int tasks = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    struct stat status {};
    if (stat(entry.path().c_str(), &status) != 0 || status.st_uid != getuid()) continue;
    const std::filesystem::directory_iterator threads(entry.path() / "task", error);
    if (!error) tasks += static_cast<int>(std::distance(begin(threads), end(threads)));
  }
  return tasks;
}

void kill_with_descendants(pid_t process) {
  kill(process, SIGSTOP);
  for (const pid_t child : children_of(process)) kill_with_descendants(child);
  kill(process, SIGKILL);
}

}  // namespace runnel
