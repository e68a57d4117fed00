// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/protocol/score.h"
#include "runtime/telemetry/run_report.h"
#include "trainer/compute/objective.h"

namespace runnel {

/// What a test of the whole test set found, as it is reported.
RunReport::Test test_result(const Score& score, const Objective& objective);

}  // namespace runnel
