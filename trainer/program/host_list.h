// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace runnel {

/// The number of ranks in a list such as "a:2,b", in the syntax of mpirun's --host: a host without a number has one.
/// Throws `RunError` (64) for an invalid list, and for more ranks than a job can have.
int ranks_on_hosts(const std::string& hosts);

}  // namespace runnel
