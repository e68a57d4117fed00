// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <istream>
#include <optional>
#include <string>

#include "runtime/bootstrap/bootstrap_local.h"

namespace runnel {

/// How many ranks of the group of `place` have come to rank 0 and wait there, as seen from outside of the group.
/// Nothing while rank 0 does not listen: before it has begun to, and when all have come. Any thread.
std::optional<int> ranks_waiting(const LocalPlace& place);

/// The same by `sockets`, a table as /proc/net/unix is (proc(5)).
std::optional<int> ranks_waiting(std::istream& sockets, const std::string& socket);

}  // namespace runnel
