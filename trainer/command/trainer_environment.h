// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "trainer/command/run_settings.h"

namespace runnel {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// What all trainers of a job have in their environment: WORLD_SIZE, LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT as
/// torch's own launcher gives them, RUNNEL_GENERATORS and RUNNEL_SETTINGS for Runnel's client, and settings that make
/// trainers faster unless the user has chosen: malloc keeps freed memory, and several trainers have one thread of
/// OpenMP each. Logs what a user may wonder about. Throws `RunError` (71) when no port is free.
Variables variables_of_trainers(const RunSettings& job);

/// RANK and LOCAL_RANK of one.
Variables variables_of_trainer(int trainer);

}  // namespace runnel
