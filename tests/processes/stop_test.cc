// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/processes/runnel_program.h"

/// Somebody stops a run by a signal: it ends with one line and the documented status, and leaves nothing.
namespace runnel::test {
namespace {

constexpr std::chrono::seconds kJobTimeout{60};  // then stacks are printed

/// A signal that ends a run, to the launcher.
class StopTest : public testing::TestWithParam<int> {
 protected:
  void TearDown() override { EXPECT_EQ(memory_.left(), std::vector<std::string>()) << "shared memory was left behind"; }

  static std::string name() { return "SIG" + std::string(sigabbrev_np(GetParam())); }
  static int status() { return 128 + (GetParam() == SIGINT ? SIGINT : SIGTERM); }

  /// Sends the signal, and expects the end of all processes with one line.
  static void stop(Job& job) {
    kill(job.pid(), GetParam());
    EXPECT_EQ(job.wait_for_all(kJobTimeout), status());
    const std::string output = job.output();
    const std::string ended = GetParam() == SIGINT ? "interrupted" : "ended";
    EXPECT_NE(output.find("error: " + ended + " by " + name() + "; "), std::string::npos) << output;
    EXPECT_EQ(output.find("error: "), output.rfind("error: ")) << "more than one line says so:\n" << output;
  }

  const SharedMemoryGuard memory_;
  RunnelProgram program_;
};

TEST_P(StopTest, EndsAJobInTraining) {
  const std::filesystem::path temporary = program_.folder() / "tmp";
  std::filesystem::create_directory(temporary);
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"-n", "2"}),
           .environment = {{"TMPDIR", temporary}}});
  job.await_output("step 3/");
  stop(job);
  EXPECT_EQ(program_.report()["exit"], status());
  EXPECT_TRUE(std::filesystem::is_empty(temporary)) << "a session's folder was left behind";
}

TEST_P(StopTest, EndsAJobThatStarts) {
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"-n", "2"})});
  (void)job.await_rank(1);
  stop(job);
}

TEST_P(StopTest, EndsAJobWhoseMpirunIsStuck) {
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"-n", "2"})});
  job.await_output("step 3/");
  for (const pid_t pid : job.processes()) {
    std::string name;
    std::ifstream("/proc/" + std::to_string(pid) + "/comm") >> name;
    if (name == "mpirun") kill(pid, SIGSTOP);
  }
  stop(job);
}

TEST_P(StopTest, EndsTrainingAlone) {
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"--alone"})});
  if (GetParam() == SIGABRT)
    GTEST_SKIP() << "SKIPPED, NOT TESTED: abort() ends a process that trains alone at once: no line of its own";
  job.await_output("step 3/");
  stop(job);
  EXPECT_EQ(program_.report()["exit"], status());
}

TEST(Stop, MpirunThatIsToldToStopEndsTheRanksWithALine) {
  const RunnelProgram program;
  Job job({.argv = program.mpirun(3, endless())});
  job.await_output("step 3/");
  kill(job.pid(), SIGTERM);
  EXPECT_NE(job.wait_for_all(kJobTimeout), 0);
  EXPECT_NE(job.output().find("error: ended by SIGTERM; "), std::string::npos) << job.output();
}

INSTANTIATE_TEST_SUITE_P(Signals, StopTest,
                         testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGABRT),
                         [](const auto& test) { return std::string(sigabbrev_np(test.param)); });

TEST(Stop, NohupKeepsAHangupFromAJob) {
  const RunnelProgram program;
  for (const char* way : {"-n2", "--alone"}) {
    const std::vector<std::string> nohup = {"nohup"};
    Job job({.argv = nohup + program.train(endless() + std::vector<std::string>{way})});
    job.await_output("step 3/");
    kill(job.pid(), SIGHUP);
    job.await_output("step 100/");
    kill(job.pid(), SIGTERM);
    EXPECT_EQ(job.wait_for_all(kJobTimeout), 143) << job.output();
    EXPECT_EQ(job.output().find("SIGHUP"), std::string::npos) << job.output();
  }
}

}  // namespace
}  // namespace runnel::test
