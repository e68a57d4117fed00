// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/doctor/diagnosis.h"

namespace runnel {

/// A complete diagnosis as one JSON document: job, ranks, pairs, untried, findings and the exit status, 0 or 1.
std::string to_json(const Diagnosis& diagnosis, const std::vector<Finding>& findings);

/// What a rank sends to the others, as JSON: tolerant of fields that another version of Runnel lacks.
std::string pack_facts(const MachineFacts& facts);
std::string pack_pair(const PairMeasurement& facts);
std::string pack_device(const DeviceId& device);

/// The reverse. Throw `RunError` (76) naming `sender` when `text` is not such JSON, or names no device.
MachineFacts unpack_facts(std::string_view text, const std::string& sender);
PairMeasurement unpack_pair(std::string_view text, const std::string& sender);
DeviceId unpack_device(std::string_view text, const std::string& sender);

}  // namespace runnel
