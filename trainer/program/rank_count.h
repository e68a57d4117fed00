// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "runtime/launch/launch_place.h"

namespace runnel {

/// Throws `RunError` (64) where `-n` gave another number of trainers than mpirun's ranks leave. `asked_for`: by -n; 0:
/// it was not given.
void require_same_count(const LaunchPlace& place, int asked_for, const Config& config);

}  // namespace runnel
