// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "tests/processes/runnel_program.h"

/// `--supervise`: a job is started again after a crash.
namespace runnel::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr int kUsage = 64;
constexpr int kPeerLost = 69;
constexpr std::chrono::seconds kLimit{90};

class SuperviseTest : public testing::Test {
 protected:
  Words supervised(int restarts) const {
    return program_.train({"-n", "2", "--checkpoint", checkpoints_.string(), "--supervise", std::to_string(restarts)});
  }

  /// A job whose starts run `script` in place of mpirun, which notes each in a file.
  Command with_mpirun(const std::string& script, int restarts) const {
    const fs::path folder = program_.folder() / "bin";
    fs::create_directory(folder);
    std::ofstream(folder / "mpirun") << "#!/bin/sh\necho \"start $RUNNEL_START ${RUNNEL_FROM_NEWEST:-0}\" >> "
                                     << starts_.string() << '\n'
                                     << script;
    fs::permissions(folder / "mpirun", fs::perms::owner_all);
    return {.argv = supervised(restarts), .environment = {{"PATH", folder.string() + ":" + std::getenv("PATH")}}};
  }

  std::string starts() const {
    std::ifstream file(starts_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  RunnelProgram program_;
  fs::path checkpoints_ = program_.folder() / "ckpt";
  fs::path starts_ = program_.folder() / "starts";
};

TEST_F(SuperviseTest, AJobIsStartedAgainUntilItGivesUp) {
  Job job(with_mpirun("exit 69\n", 2));
  EXPECT_EQ(job.wait_for_all(kLimit), kPeerLost);
  EXPECT_EQ(starts(), "start 1 0\nstart 2 0\nstart 3 0\n") << "without a checkpoint it starts as it was asked to";
  for (const char* line :
       {"start 2 of at most 3 in 1 s: a process ended with status 69\n",
        "start 3 of at most 3 in 2 s: a process ended with status 69\n", "start 3 was the last one"}) {
    EXPECT_NE(job.output().find(line), std::string::npos) << line << job.output();
  }
}

TEST_F(SuperviseTest, AStartAfterANewCheckpointContinuesFromIt) {
  Job job(
      with_mpirun("[ $RUNNEL_START = 3 ] && exit 0\n"
                  "[ $RUNNEL_START = 1 ] && mkdir -p " +
                      (checkpoints_ / "step-20").string() + " && touch " +
                      (checkpoints_ / "step-20/manifest.json").string() + "\nexit 70\n",
                  5));
  EXPECT_EQ(job.wait_for_all(kLimit), 0);
  EXPECT_EQ(starts(), "start 1 0\nstart 2 1\nstart 3 1\n");
}

TEST_F(SuperviseTest, OtherEndsAreFinal) {
  for (const int status : {0, 65, 74}) {
    fs::remove(starts_);
    Job job(with_mpirun("exit " + std::to_string(status) + "\n", 5));
    EXPECT_EQ(job.wait_for_all(kLimit), status);
    EXPECT_EQ(starts(), "start 1 0\n");
  }
}

TEST_F(SuperviseTest, ASignalBetweenTwoStartsEndsItAtOnce) {
  Job job(with_mpirun("exit 69\n", 30));
  job.await_output("start 4 of at most 31 in 4 s");
  kill(job.pid(), SIGINT);
  EXPECT_EQ(job.wait_for_all(kLimit), 130);
  EXPECT_NE(job.output().find("error: interrupted by SIGINT; "), std::string::npos) << job.output();
}

TEST_F(SuperviseTest, ADeathBySignalIsACrashAndAStopIsNot) {
  const SharedMemoryGuard memory;
  {
    Job job({.argv = supervised(3) + endless()});
    job.await_output("step 3/");
    kill(job.await_rank(2), SIGKILL);
    job.await_output("start 2 of at most 4 in 1 s: a rank was ended by SIGKILL");
    const std::size_t first = job.output().size();
    while (job.output().find(" loss ", first) == std::string::npos) {  // of a step, whichever it begins with
      ASSERT_EQ(kill(job.pid(), 0), 0);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    kill(job.pid(), SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    kill(job.pid(), SIGTERM);
    EXPECT_EQ(job.wait_for_all(kLimit), 143) << job.output();
    EXPECT_EQ(job.output().find("start 3"), std::string::npos) << job.output();
  }
  EXPECT_EQ(memory.left(), Words());
}

TEST_F(SuperviseTest, ItNeedsCheckpointsAndRanksOfItsOwn) {
  Job without({.argv = program_.train({"-n", "2", "--supervise", "2"})});
  EXPECT_EQ(without.wait_for_all(kLimit), kUsage);
  EXPECT_NE(without.output().find("--supervise needs checkpoints to continue from; add --checkpoint DIR"),
            std::string::npos)
      << without.output();
  Job under({.argv = program_.mpirun(3, {"--checkpoint", checkpoints_.string(), "--supervise", "2"})});
  EXPECT_EQ(under.wait_for_all(kLimit), kUsage);
  EXPECT_NE(under.output().find("repeat mpirun in a script, with --resume"), std::string::npos) << under.output();
}

}  // namespace
}  // namespace runnel::test
