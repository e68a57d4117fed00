// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/doctor/machine_findings.h"

namespace runnel {

/// A diagnosis for people: each host's facts, the matrix of pairs, the findings one a line; for a width of 120 columns
/// where names are not longer.
std::string to_text(const Diagnosis& diagnosis, const std::vector<Finding>& findings);

/// The same, complete, as one JSON document: job, ranks, pairs, untried, findings and the exit status, 0 or 1.
std::string to_json(const Diagnosis& diagnosis, const std::vector<Finding>& findings);

/// What a rank tells rank 0, as JSON: tolerant of fields that another version of Runnel lacks.
std::string pack_facts(const MachineFacts& facts);
std::string pack_pair(const PairMeasurement& facts);

/// And back. Throw `RunError` (76) with `sender` in it for text that is no such JSON.
MachineFacts unpack_facts(std::string_view text, const std::string& sender);
PairMeasurement unpack_pair(std::string_view text, const std::string& sender);

}  // namespace runnel
