// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>

#include "runtime/base/run_error.h"

namespace runnel {

/// What to say of a command line that `app` could not parse, in one line: the word that is wrong, the known one that is
/// nearest to it, and where help is. Status 64. `error` is what `app.parse` threw.
RunError usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace runnel
