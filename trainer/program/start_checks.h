// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <optional>
#include <string>

#include "runtime/launch/launch_place.h"

namespace runnel {

/// Logs which of the user's settings are ignored. One process of a job reports them: the launcher, or rank 0 where
/// another launcher started the ranks.
void report_ignored_settings(const std::optional<LaunchPlace>& place);

}  // namespace runnel
