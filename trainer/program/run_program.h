// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "trainer/run/registry.h"

namespace runnel {

/// The program `runnel`, with what `registry` holds: parses the command line, runs its command, and returns the exit
/// status for main(). Errors are logged. Where the user starts it by hand, it starts its ranks itself, as this very
/// program; its name in help and messages is that of argv[0]. Thread: the main thread, before others are started.
int run_program(int argc, char** argv, const Registry& registry);

}  // namespace runnel
