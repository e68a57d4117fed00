// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace runnel::test {

/// The cores that the threads of a process may use, as the kernel lists them: one text for each different set.
std::set<std::string> cores_of_threads(pid_t process);

}  // namespace runnel::test
