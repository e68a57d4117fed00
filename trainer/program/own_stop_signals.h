// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/base/run_error.h"

/// The signals that end a run in this process alone; a rank of a job has its heartbeat thread for them.
namespace runnel {

/// Takes the signals that users send to end a run: from here on the first one makes `stop_requested` true, and a second
/// one ends the process at once. Once a process.
void take_stop_signals();

/// Any thread.
bool stop_requested();

/// Throws the error to end with when a signal has arrived: `RunError` (130, 143).
void require_no_stop();

}  // namespace runnel
