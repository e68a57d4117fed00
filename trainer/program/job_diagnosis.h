// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "trainer/run/registry.h"

namespace runnel {

/// What `runnel doctor` was asked to diagnose.
struct DiagnosisRequest {
  Config config;                     ///< of the job to diagnose; its data is not read
  const Registry& registry;          ///< outlives the diagnosis
  std::optional<LaunchPlace> place;  ///< of a rank; empty in the process that the user started
  std::string hosts;                 ///< in the syntax of mpirun's --host; empty: this host
  bool json = false;
  std::vector<std::string> arguments;  ///< command line for the ranks
};

/// Diagnoses the job's machines: the process that a user started starts the ranks, and diagnoses this host alone when
/// they do not come up; rank 0 prints, on standard output, text or JSON and nothing else.
///
/// Gives the exit status, 0 for healthy and 1 for findings, within about 10 s a pair whatever the state of the
/// machines, and two minutes more where this host has GPUs or the user names others. Throws `RunError`,
/// `TransportError`.
int diagnose_job(const DiagnosisRequest& request);

}  // namespace runnel
