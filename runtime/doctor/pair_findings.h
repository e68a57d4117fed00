// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "runtime/doctor/diagnosis.h"

/// Findings about what lies between processes.
namespace runnel {

/// A `transport.interface` that a host does not have, and a slower interface in use where a faster one joins the same
/// hosts.
std::vector<Finding> find_interface_problems(const Diagnosis& diagnosis);

/// Pairs whose path is worse than it could be, than configured or than required; settings of UCX that differ between
/// ranks. Findings that are alike but for the trainer become one.
std::vector<Finding> find_pair_problems(const Diagnosis& diagnosis);

}  // namespace runnel
