// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// Jobs whose trainers read ahead: what they end with, and that a read that hangs keeps no process alive.
namespace runnel::test {
namespace {

constexpr std::chrono::seconds kJobTimeout{60};  // then stacks are printed

class ReadingTest : public testing::Test {
 protected:
  ReadingTest() {
    std::ofstream(slow_config()) << "data = { name = 'slow', prefetch = 64, "
                                    "options = { shape = [1, 28, 28], hangs_at = 50 } }\n"
                                    "trainer = { batch_size = 256, device = 'cpu' }\n"
                                    "generator = { device = 'cpu' }\n"
                                    "run = { max_gradients = 0, log_every = 1 }\n";
  }

  std::string slow_config() const { return program_.folder() / "slow.toml"; }

  RunnelProgram program_;
};

TEST_F(ReadingTest, AheadChangesNoBit) {
  const auto run = [&](const std::vector<std::string>& more) {
    return program_.run(program_.train(std::vector<std::string>{"-n", "2", "--set", "trainer.seats=4"} + more));
  };
  const auto expected = run({"--set", "data.prefetch=0"});
  EXPECT_GT(expected["data_ms"]["min"], 0);
  for (const std::string prefetch : {"1", "2", "8"}) {
    const auto report = run({"--set", "data.prefetch=" + prefetch});
    EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]) << prefetch;
    EXPECT_EQ(report["test"], expected["test"]) << prefetch;
  }
}

/// Trainers come to the batch that cannot be read, or are busy with earlier ones: the job ends all the same.
TEST_F(ReadingTest, AReadThatHangsKeepsNoProcessAlive) {
  for (const int signal : {SIGINT, SIGKILL}) {
    Job job({.argv = {RUNNEL_SLOW_DATA, "train", slow_config(), "-n", "2"}});
    job.await_output("step 3/");
    kill(signal == SIGINT ? job.pid() : job.await_rank(2), signal);
    EXPECT_EQ(job.wait_for_all(kJobTimeout), signal == SIGINT ? 128 + SIGINT : 69) << job.output();
  }
}

}  // namespace
}  // namespace runnel::test
