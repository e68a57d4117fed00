// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"
#include "trainer/run/registry.h"

namespace runnel {

/// Throws what a rank of the job would throw before MPI starts when input, devices or writable outputs are missing.
/// Called once before ranks are started on this host, so that an error is reported once. Ranks check again what they
/// read: mpirun may have started them on hosts where the files differ.
void check_job(const Config& config, const Registry& registry);

/// Runs this process's part of a job that MPI started: the first `generator.count` ranks are generators, the
/// others trainers.
///
/// `config` has one trainer for each rank that is not a generator. Every error in the user's input is found before MPI
/// starts; MPI is finalized before the first step. Progress and results go to standard output of rank
/// 0, which also writes run.report, run.save and run.trace. Throws `RunError`, `TransportError`, `BootstrapError`.
void run_training_job(const Config& config, const Registry& registry, const LaunchPlace& place);

}  // namespace runnel
