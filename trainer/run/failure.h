// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {

/// One line about why a process ends, without LibTorch's backtrace. Any thread.
std::string failure_line(const std::exception& error);

/// Logs that line unless `error` is `AlreadyReported`, and returns the exit status for it. Any thread.
ExitStatus log_failure(const std::exception& error);

/// Ends the handling of `error`, which is logged and has `status`: rethrows it if it says so itself, else throws
/// `AlreadyReported`. Any thread.
[[noreturn]] void rethrow_reported(const std::exception& error, ExitStatus status);

/// Does a rank's `work`. What that throws is logged before `fail` notifies the peers, because UCX may take long to
/// handle broken connections, or abort this process; then as `rethrow_reported`.
void do_or_fail(const std::function<void()>& work, const std::function<void(const std::exception&)>& fail);

/// Calls `write`, which writes a file about a run that an error has ended. A failure to write is logged only, because
/// the run keeps the exit status of the first error. Any thread.
void try_to_write(const std::function<void()>& write);

}  // namespace runnel
