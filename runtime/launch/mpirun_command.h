// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace runnel {

/// How to start mpirun: the same for Open MPI 4 and 5. What only one of them knows is an environment variable, which
/// the other ignores, where an unknown option or component ends it.
struct MpirunCommand {
  std::vector<std::string> argv = {};
  std::vector<std::pair<std::string, std::string>> environment = {};  ///< (name, value), to be set for it

  /// As it can be given to a shell. Settings that name `SessionFolder`, which will be gone, are left out.
  std::string line() const;
};

/// Ranks of this program with `arguments`, on this host or on `hosts` ("a:2,b:1", as --host takes them).
MpirunCommand mpirun_command(int ranks, const std::string& session_folder, const std::vector<std::string>& arguments,
                             const std::string& hosts);

}  // namespace runnel
