// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/launch/mpirun_messages.h"

#include <gtest/gtest.h>

#include <string>

namespace runnel::test {
namespace {

const std::string kRule(74, '-');

const std::string kStream =
    "[generator] error: rank=0 peer=2 host=node phase=step cause=gone\n" +  //
    kRule + "\nPrimary job terminated normally, but 1 process returned\n\na non-zero exit code.\n" + kRule +
    "\n[trainer 1] warning: a line that is ours\n"
    "[node:29101] PMIX ERROR: OUT-OF-RESOURCE in file dstore_base.c at line 1234\n"
    "[1795775856.418389] [node:27091:0] ucp_worker.c:1492 UCX  ERROR a line of UCX\n"
    "*** An error occurred in MPI_Init\n"
    "--- short rule ---\n";

const std::string kPassed =
    "[generator] error: rank=0 peer=2 host=node phase=step cause=gone\n"
    "[trainer 1] warning: a line that is ours\n"
    "[1795775856.418389] [node:27091:0] ucp_worker.c:1492 UCX  ERROR a line of UCX\n"
    "--- short rule ---\n";

const std::string kHeld =
    "Primary job terminated normally, but 1 process returned\na non-zero exit code.\n"
    "[node:29101] PMIX ERROR: OUT-OF-RESOURCE in file dstore_base.c at line 1234\n"
    "*** An error occurred in MPI_Init\n";

TEST(MessageFilterTest, HoldsBackWhatIsOpenMpisWhereverTheStreamIsCut) {
  for (std::size_t size = 1; size <= kStream.size(); size = size < 8 ? size + 1 : size * 3) {
    MessageFilter filter;
    std::string passed;
    for (std::size_t begin = 0; begin < kStream.size(); begin += size)
      passed += filter.pass(kStream.substr(begin, size));
    EXPECT_EQ(passed + filter.finish(), kPassed) << "in parts of " << size << " bytes";
    EXPECT_EQ(filter.held(), kHeld) << "in parts of " << size << " bytes";
  }
}

TEST(MessageFilterTest, PassesALastLineWithoutAnEnd) {
  MessageFilter filter;
  EXPECT_EQ(filter.pass("a line\nand the start of"), "a line\n");
  EXPECT_EQ(filter.finish(), "and the start of");
  EXPECT_EQ(filter.held(), "");
}

/// As Open MPI 4 and 5 write it, after more than is held.
TEST(MessageFilterTest, FindsOutWhetherARankHasEnded) {
  const auto reports = [](const std::string& message) {
    MessageFilter filter;
    filter.pass(kRule + "\n");
    for (int i = 0; i < 1000; ++i) filter.pass("one of the many lines of a stack\n");
    filter.pass(message + "\n" + kRule + "\n");
    return filter.reports_end_of_rank();
  };
  EXPECT_TRUE(reports("mpirun noticed that process rank 1 with PID 0 on node a exited on signal 9 (Killed)."));
  EXPECT_TRUE(reports("prterun noticed that process rank 0 with PID 1 on node a exited on\nsignal 11 (Aborted)."));
  EXPECT_TRUE(reports("Primary job  terminated normally, but 1 process returned\na non-zero exit code. Per user-"));
  EXPECT_TRUE(reports("Primary job  terminated normally, but 2 processes returned\nnon-zero exit codes.. Per user-"));
  EXPECT_FALSE(reports("mpirun was unable to launch the specified application as it could not access"));
  EXPECT_FALSE(reports("A daemon died unexpectedly on signal 9 while attempting to"));
}

TEST(MessageFilterTest, TellsADeathBySignalFromAStatus) {
  const auto reports = [](const std::string& message) {
    MessageFilter filter;
    filter.pass(kRule + "\n" + message + "\n" + kRule + "\n");
    return filter.reports_signal_of_rank();
  };
  EXPECT_TRUE(reports("prterun noticed that process rank 0 with PID 1 on node a exited on\nsignal 11 (Aborted)."));
  EXPECT_FALSE(reports("Primary job  terminated normally, but 1 process returned\na non-zero exit code. Per user-"));
}

TEST(MessageFilterTest, HoldsABoundedAmount) {
  MessageFilter filter;
  filter.pass(kRule + "\n");
  for (int i = 0; i < 10000; ++i) filter.pass("a message that is repeated for ever\n");
  EXPECT_GT(filter.held().size(), 1U << 10);
  EXPECT_LE(filter.held().size(), 16U << 10);
}

}  // namespace
}  // namespace runnel::test
