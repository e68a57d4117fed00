// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>
#include <functional>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {

/// One line that says why a process ends, without LibTorch's backtrace; empty where another process says it or this one
/// has. Any thread.
std::string failure_line(const std::exception& error);

/// Says that line, if there is one, and gives the status that stands for `error`. Any thread.
ExitStatus log_failure(const std::exception& error);

/// Calls `write` for an account of a run that an error has ended. That it cannot be written must not take the place of
/// what ended the run: it is logged. Any thread.
void try_to_write(const std::function<void()>& write);

}  // namespace runnel
