// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

#include "runtime/bootstrap/bootstrap.h"

namespace runnel {

/// How long a generator waits for all trainers to come, which may have to load their data first.
inline constexpr std::chrono::minutes kLongestStart{30};

/// A generator for trainers that are somebody else's programs (`Client`): the ranks 0 … `generators` - 1 of `bootstrap`
/// call this. Tensors, configuration and the values to start from come from the first trainer, learning rates and
/// losses with each step; returns when all trainers have closed. The lead writes run.report, also after an error, which
/// it logs; then throws `AlreadyReported`. Thread: the main thread.
void serve(Bootstrap& bootstrap, int generators);

}  // namespace runnel
