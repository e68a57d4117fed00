// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <vector>

namespace runnel::test {

/// A sandbox, as a container's seccomp profile makes one.
struct RefusedCalls {
  std::vector<long> numbers;   ///< SYS_…, refused with EPERM
  bool unnamed_files = false;  ///< O_TMPFILE, with EOPNOTSUPP, as on a file system that lacks it
};

/// Runs `body` in a child process in which the kernel refuses these calls; true when it returned without an exception,
/// whose text is printed. Skips the test where no filter can be set.
bool runs_without(const RefusedCalls& refused, const std::function<void()>& body);

}  // namespace runnel::test
