// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "runtime/doctor/diagnosis.h"

namespace runnel {

/// Reasons why these processes cannot connect over any transport: different versions of UCX or of Runnel. Such pairs
/// are not measured.
std::vector<Finding> find_mismatches(const std::vector<MachineFacts>& ranks);

/// Judges versions and modules, limits, memory, names and interfaces of every host, then every pair. A machine without
/// RDMA devices and GPUs, or with fewer cores than processes, is healthy: it has nothing to improve. No input or
/// output; any thread.
std::vector<Finding> find_problems(const Diagnosis& diagnosis);

}  // namespace runnel
