// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdio>
#include <functional>

#include "runtime/config/config.h"
#include "runtime/telemetry/run_account.h"
#include "trainer/run/registry.h"

namespace runnel {

struct LocalTrainingOptions {
  bool dry_run = false;  ///< one batch, then the test
  bool live = false;     ///< `out` is a terminal
  std::FILE* out = stdout;
};

/// Trains the model in this process alone: no generator, no MPI, no UCX (`runnel train --alone`).
///
/// `config.trainer.count` is 1. Data, model, reduction, optimizer and schedule are the same code as in a job of one
/// trainer, so both end with the same bits. `keep_going` is called between batches; when it returns false, the run ends
/// there, without test or saved parameters. Saves the parameters to run.save and the trace to run.trace. `account` is
/// of `config`, and filled also when an error ends the run; its report has a process only once all input was validated.
/// The report is not written, and its exit status is left to the caller. On a GPU a step's time is the host's, which
/// does not wait for the step to be done, and exchange_ms and exposed_ms stay 0. Throws `RunError`.
void train_alone(const Config& config, const Registry& registry, const LocalTrainingOptions& options,
                 const std::function<bool()>& keep_going, RunAccount& account);

}  // namespace runnel
