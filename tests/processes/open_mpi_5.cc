// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "tests/processes/open_mpi_5.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace runnel::test {

bool OpenMpi5::is_installed() {
  return std::filesystem::exists(std::filesystem::path(RUNNEL_OPEN_MPI_5) / "bin/mpirun");
}

void OpenMpi5::use_in(Command& command) {
  const std::string folder = RUNNEL_OPEN_MPI_5;
  command.environment.emplace_back("PATH", folder + "/bin:" + std::getenv("PATH"));
  command.environment.emplace_back("LD_LIBRARY_PATH", folder + "/lib");
  // For a bare mpirun: what OMPI_MCA_rmaps_base_oversubscribe is to Open MPI 4.
  command.environment.emplace_back("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe");
}

}  // namespace runnel::test
