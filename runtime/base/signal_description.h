// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace runnel {

/// `signal` by name and, where it has one, with the usual cause of a death by it: "SIGXCPU (the CPU time limit, ulimit
/// -t)". "signal 99" when it has no name.
std::string describe_signal(int signal);

}  // namespace runnel
