// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "runtime/base/run_error.h"

namespace runnel {

/// Lets `app` parse a command line. Gives the exit status where that asks for help or the version only. Throws
/// `RunError` (64) with one line: the wrong word, the known word nearest to it, and how to get help.
std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv);

/// The same error for `option`, which `command` does not have.
RunError unknown_option(const CLI::App& command, const std::string& option);

}  // namespace runnel
