// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

#include "tests/processes/runnel_program.h"

namespace runnel::test {
namespace {

/// `argv` with a libucp.so.0 of version 1.13 ahead of ours, as modules of clusters have it.
void expect_refusal(const std::vector<std::string>& argv) {
  Job job({.argv = argv, .environment = {{"LD_LIBRARY_PATH", RUNNEL_OLD_UCX}}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 71) << job.output();
  const std::string output = job.output();
  EXPECT_NE(output.find("error: UCX 1.13.1 was loaded from " + std::string(RUNNEL_OLD_UCX) +
                        "/libucp.so.0; Runnel needs "
                        "1.19 or later"),
            std::string::npos)
      << output;
  EXPECT_NE(output.find("; unset LD_LIBRARY_PATH (" + std::string(RUNNEL_OLD_UCX)), std::string::npos) << output;
}

TEST(UcxVersionTest, BelowTheFloorEndsAJobBeforeUcxIsUsed) {
  const RunnelProgram program;
  expect_refusal(program.train({"-n", "2"}));
}

TEST(UcxVersionTest, BelowTheFloorEndsADiagnosisBeforeUcxIsUsed) {
  expect_refusal({RUNNEL_PROGRAM, "doctor", "-n", "1"});
}

TEST(UcxVersionTest, IsOfNoImportanceToWhoTrainsAlone) {
  const RunnelProgram program;
  Job job({.argv = program.train({"--alone"}), .environment = {{"LD_LIBRARY_PATH", RUNNEL_OLD_UCX}}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
}

}  // namespace
}  // namespace runnel::test
