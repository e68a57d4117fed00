// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/processes/thread_cores.h"

#include <filesystem>
#include <fstream>
#include <string_view>

namespace runnel::test {

std::set<std::string> cores_of_threads(pid_t process) {
  constexpr std::string_view kField = "Cpus_allowed_list:";
  std::set<std::string> found;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task")) {
    std::ifstream status(thread.path() / "status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with(kField)) found.insert(line.substr(line.find_first_not_of(" \t", kField.size())));
    }
  }
  return found;
}

}  // namespace runnel::test
