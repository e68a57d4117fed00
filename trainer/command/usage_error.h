// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {

/// The error (64) for a command line that `app` could not parse, in one line: the wrong word, the known word nearest to
/// it, and how to get help. `error` was thrown by `app.parse`.
RunError usage_error(const CLI::App& app, const CLI::ParseError& error);

/// The same for `option`, which `command` does not have.
RunError unknown_option(const CLI::App& command, const std::string& option);

}  // namespace runnel
