// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/bootstrap_mpi.h"

namespace runnel {

/// The MPI job that the benchmarks run in; made in main before any of them.
MpiBootstrap& job();

}  // namespace runnel
