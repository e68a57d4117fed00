// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace runnel {

/// How many ranks "a:2,b" asks for, as mpirun's --host takes it: a host without a number has one. Throws `RunError`
/// (64) for what is no such list, and for more ranks than a job can have.
int ranks_on_hosts(const std::string& hosts);

}  // namespace runnel
