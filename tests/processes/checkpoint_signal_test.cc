// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/processes/open_mpi_5.h"
#include "tests/processes/runnel_program.h"

/// Signals and losses in a run with checkpoints: it has time to make one before it ends.
namespace runnel::test {
namespace {

using Words = std::vector<std::string>;

constexpr int kPeerLost = 69;
constexpr std::chrono::seconds kLimit{60};

class CheckpointSignalTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && !OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
  }
  void TearDown() override { EXPECT_EQ(memory_.left(), Words()) << "shared memory was left behind"; }

  Command command(const Words& argv) const {
    Command command{.argv = argv};
    if (GetParam()) OpenMpi5::use_in(command);
    return command;
  }

  Words train(const std::string& grace_s) const {
    return program_.train(endless() + Words{"-n", "2", "--checkpoint", (program_.folder() / "ckpt").string(), "--set",
                                            "checkpoint.grace_s=" + grace_s, "--set", "run.log_every=1"});
  }

  /// Waits for steps that are made from now on.
  static void await_steps(Job& job) {
    const std::string output = job.output();
    const std::string lines = output.substr(0, output.rfind('\n'));  // complete ones
    const std::string word = "step ";
    const int last = std::stoi(lines.substr(lines.rfind(word) + word.size()));
    job.await_output(word + std::to_string(last + 50) + "/");
  }

  static void expect_one_error(const Job& job, const std::string& error) {
    const std::string output = job.output();
    EXPECT_NE(output.find("error: " + error), std::string::npos) << output;
    EXPECT_EQ(output.find("error: "), output.rfind("error: ")) << "more than one line says so:\n" << output;
  }

  const SharedMemoryGuard memory_;
  RunnelProgram program_;
};

TEST_P(CheckpointSignalTest, TheRunContinuesAfterSigusr1AndASecondOtherSignalEndsItAtOnce) {
  Job job(command(train("3600")));
  job.await_output("step 3/");
  kill(job.pid(), SIGUSR1);
  await_steps(job);
  kill(job.pid(), SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  kill(job.pid(), SIGTERM);
  EXPECT_EQ(job.wait_for_all(kLimit), 143);
  expect_one_error(job, "ended by SIGTERM; --resume continues the run from its newest checkpoint");
}

TEST_P(CheckpointSignalTest, TheRunEndsWithinTheGrace) {
  for (const auto& [signal, status] : {std::pair(SIGINT, 130), std::pair(SIGHUP, 143)}) {
    std::filesystem::remove_all(program_.folder() / "ckpt");
    Job job(command(train("1")));
    job.await_output("step 3/");
    kill(job.pid(), signal);
    EXPECT_EQ(job.wait_for_all(kLimit), status);
    expect_one_error(job, signal == SIGINT ? "interrupted by SIGINT; " : "ended by SIGHUP; ");
  }
}

TEST_P(CheckpointSignalTest, ASignalToOneRankIsTheWholeRuns) {
  Job job(command(train("1")));
  job.await_output("step 3/");
  kill(job.await_rank(2), SIGTERM);
  EXPECT_EQ(job.wait_for_all(kLimit), 143);
  expect_one_error(job, "ended by SIGTERM; ");
}

TEST_P(CheckpointSignalTest, ASignalDuringTheStartEndsItAtOnce) {
  Job job(command(train("3600")));
  (void)job.await_rank(1);
  kill(job.pid(), SIGINT);
  EXPECT_EQ(job.wait_for_all(kLimit), 130);
  expect_one_error(job, "interrupted by SIGINT; ");
}

TEST_P(CheckpointSignalTest, ALossEndsTheRunWhenTheLeadHasEnded) {
  Job job(command(train("3600")));
  job.await_output("step 3/");
  kill(job.await_rank(2), SIGKILL);
  EXPECT_EQ(job.wait_for_all(kLimit), kPeerLost);
  EXPECT_NE(job.output().find("trainer 1 is lost"), std::string::npos) << job.output();
}

/// Ranks that mpirun finds alive after another has failed end by themselves, or after the grace.
TEST_P(CheckpointSignalTest, MpirunWaitsForRanksThatHaveWorkLeft) {
  const std::filesystem::path script = program_.folder() / "rank";
  const std::string ready = program_.folder() / "ready", finished = program_.folder() / "finished";
  std::ofstream(script) << "#!/bin/sh\n"
                        << "if [ \"$OMPI_COMM_WORLD_RANK\" = 1 ]; then\n"
                        << "  until [ -e " << ready << " ]; do sleep 0.1; done\n"
                        << "  exit 69\n"
                        << "fi\n"
                        << "trap '' TERM\n"
                        << "touch " << ready << "\n"
                        << "sleep 4\n"
                        << "touch " << finished << "\n";
  std::filesystem::permissions(script, std::filesystem::perms::all);
  for (const auto& [grace_ms, finishes] : {std::pair("3600000", true), std::pair("0", false)}) {
    std::filesystem::remove(ready);
    std::filesystem::remove(finished);
    Command mpirun = command({"mpirun", "-n", "2", script});
    mpirun.environment.emplace_back("LD_PRELOAD", RUNNEL_MPIRUN_MODULE);
    mpirun.environment.emplace_back("RUNNEL_KILL_GRACE_MS", grace_ms);
    Job job(mpirun);
    EXPECT_EQ(job.wait_for_all(kLimit), kPeerLost);
    EXPECT_EQ(std::filesystem::exists(finished), finishes) << job.output();
  }
}

INSTANTIATE_TEST_SUITE_P(OpenMpi, CheckpointSignalTest, testing::Values(false, true),
                         [](const auto& test) { return std::string(test.param ? "5" : "4"); });

}  // namespace
}  // namespace runnel::test
