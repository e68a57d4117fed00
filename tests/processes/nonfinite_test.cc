// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// Losses and parameters that become infinite or NaN: where the run ends, what it says, and what it leaves.
namespace runnel::test {
namespace {

using testing::HasSubstr;

std::size_t lines_with(const std::string& text, const std::string& output) {
  std::size_t count = 0;
  for (std::size_t at = output.find(text); at != std::string::npos; at = output.find(text, at + 1)) ++count;
  return count;
}

class NonfiniteTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return program_.folder() / name; }

  /// A file of initial parameters, of which `count` values are `value`, from float `first` of all on; negative: from
  /// the end.
  std::string init_with(float value, std::int64_t first, std::size_t count) {
    program_.run(program_.train({"--alone", "--dry-run", "--save", file("init"), "--set", "optimizer.lr=0"}));
    std::fstream stream(file("init"), std::ios::binary | std::ios::in | std::ios::out);
    std::uint64_t header_bytes = 0;
    stream.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
    const auto begin = static_cast<std::int64_t>(sizeof header_bytes + header_bytes);
    stream.seekp(0, std::ios::end);
    const std::int64_t base = first < 0 ? static_cast<std::int64_t>(stream.tellp()) : begin;
    stream.seekp(base + first * static_cast<std::int64_t>(sizeof value));
    for (std::size_t i = 0; i < count; ++i) stream.write(reinterpret_cast<const char*>(&value), sizeof value);
    return file("init");
  }

  /// The output of a run that has to end with status 65 and one line, after `steps` steps at most, and to save nothing.
  std::string refused(const std::vector<std::string>& options, int steps) {
    Job job({.argv = program_.train(std::vector<std::string>{"--save", file("saved")} + options)});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 65);
    const std::string output = job.output();
    EXPECT_EQ(lines_with("error:", output), 1U) << output;
    EXPECT_FALSE(std::filesystem::exists(file("saved")));
    EXPECT_EQ(program_.report()["exit"], 65);
    EXPECT_LE(program_.report()["steps"], steps);
    EXPECT_TRUE(program_.report()["lost"].empty());
    return output;
  }

  RunnelProgram program_;
};

/// fc2.bias[0], the tenth float from the end, is finite at first: its weight decay of the first step is not.
const std::vector<std::string> kOverflow = {"--set", "optimizer={name='sgd', lr=1, weight_decay=1e4}"};
constexpr float kLarge = 1e35F;

/// How a job is started, and the number of its trainers.
const std::vector<std::vector<std::string>> kWays = {
    {"--alone"},
    {"-n", "2"},
    {"-n", "2", "--set", "generator.count=2"},
    {"-n", "2", "--set", "generator.count=2", "--set", "trainer.seats=4"},
};

TEST_F(NonfiniteTest, DivergenceEndsTheRun) {
  for (const auto& way : kWays) {
    const std::string output = refused(way + std::vector<std::string>{"--set", "optimizer={name='sgd', lr=1e6}"}, 10);
    EXPECT_THAT(output, HasSubstr("lower optimizer.lr"));
  }
}

TEST_F(NonfiniteTest, NamesTheFirstParameterInTheStepThatMadeIt) {
  const std::string init = init_with(kLarge, -10, 1);
  for (const auto& way : kWays) {
    // Of two generators, the other one owns fc2.bias: the lead has made its part of the step.
    const std::string output = refused(way + kOverflow + std::vector<std::string>{"--set", "model.init=" + init}, 1);
    EXPECT_THAT(output, HasSubstr("parameter fc2.bias[0] is infinite (negative) after step 1; lower optimizer.lr"));
  }
}

TEST_F(NonfiniteTest, NamesTheTrainerOfALoss) {
  const std::vector<std::string> init = {"--set", "model.init=" + init_with(3e38F, 0, 288)};
  for (const auto& way : kWays) {
    const std::string output = refused(way + init, 0);
    EXPECT_THAT(output, HasSubstr(way.size() > 4 ? "the loss of seat 0 (trainer 0) is not a number (NaN) at step 1"
                                                 : "the loss of trainer 0 is not a number (NaN) at step 1"));
  }
}

TEST_F(NonfiniteTest, WarnsOnceAndContinuesWhereTheUserWants) {
  const std::vector<std::string> options =
      kOverflow + std::vector<std::string>{"--set",  "model.init=" + init_with(kLarge, -10, 1),
                                           "--set",  "run.on_nonfinite=warn",
                                           "--save", file("saved")};
  for (const auto& way : {kWays[0], kWays[1]}) {
    Job job({.argv = program_.train(way + options)});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
    EXPECT_EQ(lines_with("warning:", job.output()), 1U) << job.output();
    EXPECT_THAT(job.output(), HasSubstr("fc2.bias[0] is infinite (negative) after step 1; the run continues"));
    EXPECT_TRUE(std::filesystem::exists(file("saved")));
    EXPECT_EQ(program_.report()["exit"], 0);
    std::filesystem::remove(file("saved"));
  }
}

TEST_F(NonfiniteTest, AreNoInitialParameters) {
  const std::string init = init_with(std::numeric_limits<float>::quiet_NaN(), 9, 1);
  for (const char* way : {"--alone", "-n2"}) {
    Job job({.argv = program_.train({way, "--set", "model.init=" + init})});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 65);
    EXPECT_THAT(job.output(), HasSubstr("conv1.weight[1, 0, 0, 0] = NaN"));
    EXPECT_EQ(lines_with("error:", job.output()), 1U) << job.output();
  }
}

}  // namespace
}  // namespace runnel::test
