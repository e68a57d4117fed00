// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/telemetry/run_report.h"

namespace runnel {

/// Versions of Runnel, UCX and LibTorch in this process; `mpi` is left empty.
RunReport::Software software_of_this_process();

}  // namespace runnel
