// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// `runnel test`, on the weights that a run has saved.
namespace runnel::test {
namespace {

using nlohmann::json;

class TestCommandTest : public testing::Test {
 protected:
  TestCommandTest() {
    trained_ = program_.run(program_.train({"--save", weights_, "--set", "run.max_epochs=1"}))["test"];
    std::filesystem::remove(program_.folder() / "train-images-idx3-ubyte");
    std::filesystem::remove(program_.folder() / "train-labels-idx1-ubyte");
  }

  std::vector<std::string> command(const std::vector<std::string>& more = {}) const {
    return std::vector<std::string>{RUNNEL_PROGRAM, "test", program_.config(), "--set", "model.init=" + weights_} +
           more;
  }

  /// What `argv` prints, when it succeeds.
  static json result_of(const std::vector<std::string>& argv) {
    Job job({.argv = argv});
    EXPECT_EQ(job.wait(), 0) << job.output();
    return json::parse(job.output(), nullptr, /*allow_exceptions=*/false);
  }

  RunnelProgram program_;
  std::string weights_ = program_.folder() / "weights.safetensors";
  json trained_;
};

TEST_F(TestCommandTest, FindsWhatTheRunFoundAtItsEndWithoutTrainingData) {
  ASSERT_EQ(trained_["samples"], 200);
  EXPECT_EQ(result_of(command({"--set", "trainer.count=2", "-n", "2", "--json"})), trained_);
  const json alone = result_of(command({"--json"}));
  EXPECT_EQ(alone["correct"], trained_["correct"]);
  EXPECT_NEAR(alone["loss"], trained_["loss"], 1e-12) << "added in another order";
}

TEST_F(TestCommandTest, IsSharedByAnyNumberOfRanks) {
  EXPECT_EQ(result_of(command({"-n", "3", "--set", "generator.count=2", "--json"}))["correct"], trained_["correct"]);
  const std::vector<std::string> mpirun = {"mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "3"};
  EXPECT_EQ(result_of(mpirun + command({"--json"})), trained_);
}

TEST_F(TestCommandTest, PrintsALineForPeople) {
  Job job({.argv = command()});
  ASSERT_EQ(job.wait(), 0);
  EXPECT_THAT(job.output(), testing::MatchesRegex("test loss [0-9.]+ accuracy [0-9.]+ \\([0-9]+/200\\)\n"));
}

TEST_F(TestCommandTest, WritesNoneOfARunsFiles) {
  std::filesystem::remove(program_.report_file());
  result_of(command({"--set", "run.report=" + program_.report_file(), "--json"}));
  EXPECT_FALSE(std::filesystem::exists(program_.report_file()));
}

TEST_F(TestCommandTest, ReportsMistakesBeforeRanksAreStarted) {
  std::filesystem::remove(weights_);
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"-n", "2"}}) {
    Job job({.argv = command(more)});
    EXPECT_EQ(job.wait(), 66) << job.output();
    EXPECT_THAT(job.output(), testing::StartsWith("error: " + weights_));
  }
}

TEST_F(TestCommandTest, EndsWithTheSignal) {
  Job job({.argv = command({"-n", "2", "--set", "trainer.test_batch_size=1"})});
  job.await_rank(1);
  kill(job.pid(), SIGINT);
  const int status = job.wait_for_all(std::chrono::seconds(20));
  EXPECT_TRUE(status == 130 || status == 0) << status << job.output();  // it may have been done
}

}  // namespace
}  // namespace runnel::test
