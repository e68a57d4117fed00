// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/peer_process.h"
#include "tests/support/strict_log.h"
#include "transport/path.h"

namespace runnel::test {

/// A test whose body runs once on each path. Its peer gets the path's name as its first argument.
class OnEachPath : public testing::TestWithParam<Path> {
 protected:
  std::string path_name() const { return std::string(to_string(GetParam())); }

  StrictLog log_;
};

/// UCX before 1.22 (tested: 1.19) does not take cma into endpoints that detect a peer's death. On one host large puts
/// then stay stores through posix, and gets are emulated.
inline bool cma_gets_are_one_sided() {
  unsigned major = 0;
  unsigned minor = 0;
  unsigned release = 0;
  ucp_get_version(&major, &minor, &release);
  return major > 1 || minor >= 22;
}

inline Path path_of(const std::vector<std::string>& arguments) {
  return path_from_string(arguments.at(0)).value();
}

inline std::string row_name(const testing::TestParamInfo<Path>& info) {
  std::string name(to_string(info.param));
  std::ranges::replace(name, '-', '_');
  return name;
}

}  // namespace runnel::test

#define RUNNEL_ON_EACH_PATH(suite)                                                                                 \
  INSTANTIATE_TEST_SUITE_P(Paths, suite,                                                                           \
                           testing::Values(runnel::Path::mapped, runnel::Path::one_sided, runnel::Path::emulated), \
                           runnel::test::row_name)
