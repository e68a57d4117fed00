// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/mpi_segments.h"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "runtime/launch/process_tree.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

/// Names are "vader_segment.HOST.USER.JOB.RANK" in Open MPI 4, "sm_segment.…" in 5; a host's name may contain dots.
bool is_segment(const std::string& name) {
  return name.starts_with("vader_segment.") || name.starts_with("sm_segment.");
}

/// Open MPI 4 gives the job's number to its ranks.
std::string mark_from_environment(pid_t rank) {
  constexpr std::string_view kVariable = "OMPI_MCA_ess_base_jobid=";
  std::ifstream variables("/proc/" + std::to_string(rank) + "/environ", std::ios::binary);
  for (std::string text; std::getline(variables, text, '\0');) {
    if (!text.starts_with(kVariable)) continue;
    const auto job = std::strtoul(text.c_str() + kVariable.size(), nullptr, 10);
    std::array<char, 64> mark{};
    std::snprintf(mark.data(), mark.size(), ".%u.%lx.", static_cast<unsigned>(geteuid()), job);
    return mark.data();
  }
  return {};
}

/// With Open MPI 5 it shows in the segments that a rank has mapped.
std::string mark_from_maps(pid_t rank) {
  std::ifstream maps("/proc/" + std::to_string(rank) + "/maps");
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find(MpiSegments::kFolder);
    if (path == line.npos) continue;
    const std::string name = fs::path(line.substr(path)).filename();
    if (!is_segment(name)) continue;
    const auto after_job = name.rfind('.');
    const auto before_job = name.rfind('.', after_job - 1);
    return name.substr(name.rfind('.', before_job - 1), after_job + 1 - name.rfind('.', before_job - 1));
  }
  return {};
}

}  // namespace

void MpiSegments::learn(pid_t mpirun) {
  if (!mark_.empty()) return;
  for (const pid_t rank : children_of(mpirun)) {
    mark_ = mark_from_environment(rank);
    if (mark_.empty()) mark_ = mark_from_maps(rank);
    if (!mark_.empty()) return;
  }
}

void MpiSegments::remove() const {
  if (mark_.empty()) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kFolder, ignored)) {
    const std::string name = entry.path().filename();
    const auto mark = name.rfind(mark_);
    const bool is_of_job = mark != name.npos && name.find('.', mark + mark_.size()) == name.npos;
    if (is_segment(name) && is_of_job) fs::remove(entry.path(), ignored);
  }
}

}  // namespace runnel
