// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "runtime/protocol/score.h"
#include "runtime/telemetry/run_report.h"
#include "trainer/compute/objective.h"

namespace runnel {

/// What a test of the whole test set found, as it is reported.
RunReport::Test test_result(const Score& score, const Objective& objective);

/// One line: "test loss 0.2971 accuracy 0.9057 (9057/10000)".
std::string test_text(const RunReport::Test& result);

}  // namespace runnel
