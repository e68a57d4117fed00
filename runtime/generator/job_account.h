// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>

#include "runtime/base/run_error.h"
#include "runtime/bootstrap/peer_group.h"
#include "runtime/generator/generator.h"
#include "runtime/protocol/bucket_layout.h"
#include "runtime/telemetry/run_report.h"

namespace runnel {

/// Enters into `report` what a generator knows at the start of the steps: processes, the path of each pair, and the
/// bytes that a trainer sends and gets in a step.
void describe_job(RunReport& report, const Generator& exchange, const PeerGroup& group, const BucketLayout& layout);

/// Enters the error that ends the run, and the process that is lost, if any. The first error counts.
void record_error(RunReport& report, const std::exception& error, ExitStatus status);

}  // namespace runnel
