// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "runtime/doctor/diagnosis.h"

namespace runnel {

/// A diagnosis for people: each host's facts, the table of pairs, one finding a line. 120 columns wide unless names are
/// longer.
std::string to_text(const Diagnosis& diagnosis, const std::vector<Finding>& findings);

}  // namespace runnel
