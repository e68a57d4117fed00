// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// Asks MPI what it is, which needs no other rank.
#include "runtime/bootstrap/bootstrap_mpi.h"

#include <cstdio>

int main() {
  const std::string version = runnel::MpiBootstrap::library_version();
  std::printf("%s\n", version.c_str());
  return version.empty() ? 1 : 0;
}
