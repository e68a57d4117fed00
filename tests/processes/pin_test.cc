// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <sched.h>

#include <string>

#include "tests/processes/runnel_program.h"
#include "tests/processes/thread_cores.h"

/// run.pin: each process of a job on cores of its own.
namespace runnel::test {
namespace {

class PinTest : public testing::Test {
 protected:
  PinTest() { EXPECT_EQ(sched_getaffinity(0, sizeof allowed_, &allowed_), 0); }

  RunnelProgram program_;
  std::vector<std::string> pinned_ = program_.train({"-n", "1", "--set", "run.pin=true"});
  cpu_set_t allowed_{};  // of this process, and of what it starts
};

TEST_F(PinTest, KeepsEveryProcessOnACoreOfItsOwn) {
  if (CPU_COUNT(&allowed_) < 2) GTEST_SKIP() << "SKIPPED, NOT TESTED: two processes need two cores";
  Job job({.argv = pinned_ + endless()});
  job.await_output(" step 1/");
  const auto generator = cores_of_threads(job.await_rank(0));
  const auto trainer = cores_of_threads(job.await_rank(1));
  ASSERT_EQ(generator.size(), 1U) << "its threads differ";
  ASSERT_EQ(trainer.size(), 1U) << "its threads differ";
  EXPECT_EQ(generator.begin()->find_first_not_of("0123456789"), std::string::npos) << *generator.begin();
  EXPECT_EQ(trainer.begin()->find_first_not_of("0123456789"), std::string::npos) << *trainer.begin();
  EXPECT_NE(generator, trainer);
}

TEST_F(PinTest, ChangesNoBit) {
  const std::string digest = program_.run(program_.train({"-n", "1"}))["parameters_sha256"];
  EXPECT_EQ(program_.run(pinned_)["parameters_sha256"], digest);
}

TEST_F(PinTest, SaysOnceThatThereAreTooFewCores) {
  cpu_set_t one{};
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  Job job({.argv = pinned_});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
  ASSERT_EQ(sched_setaffinity(0, sizeof allowed_, &allowed_), 0);
  const std::string output = job.output();
  const std::string line =
      "needs 1, 0 of its 1 allowed cores are free, and the job needs 2 there; no process is pinned";
  EXPECT_NE(output.find("[generator] warning: run.pin: not enough cores: trainer 0 on "), std::string::npos) << output;
  EXPECT_NE(output.find(line), std::string::npos) << output;
  EXPECT_EQ(output.find("run.pin"), output.rfind("run.pin")) << "more than one rank says so:\n" << output;
}

}  // namespace
}  // namespace runnel::test
