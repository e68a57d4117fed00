// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// The parameters at the end of a run, bit for bit: by the digest in its report.
namespace runnel::test {
namespace {

struct Way {
  std::string path;
  int bucket_bytes;
  int threads;

  std::vector<std::string> options() const {
    return {"--set", "transport.path=" + path,
            "--set", "transport.bucket_bytes=" + std::to_string(bucket_bytes),
            "--set", "generator.threads=" + std::to_string(threads)};
  }
};

class SameBitsTest : public testing::Test {
 protected:
  std::string digest(const std::vector<std::string>& options) const {
    return program_.run(program_.train(options))["parameters_sha256"];
  }

  void expect_the_same(const std::vector<Way>& ways, const std::vector<std::string>& options) const {
    const std::string expected = digest(options);
    for (const Way& way : ways) {
      const auto report = program_.run(program_.train(options + way.options()));
      EXPECT_EQ(report["parameters_sha256"], expected)
          << way.path << ", buckets of " << way.bucket_bytes << " B, threads " << way.threads;
      for (const auto& path : report["paths"]) EXPECT_EQ(path["path"], way.path);
    }
  }

  RunnelProgram program_;
};

TEST_F(SameBitsTest, OnEveryPathWithEveryBucketSizeAndThreadCount) {
  expect_the_same({{"mapped", 16384, 1},
                   {"mapped", 65536, 3},
                   {"one-sided", 65536, 1},
                   {"one-sided", 1048576, 3},
                   {"emulated", 16384, 3},
                   {"emulated", 1048576, 1}},
                  {"-n", "2"});
}

TEST_F(SameBitsTest, WithAnyNumberOfGenerators) {
  const std::string expected = digest({"-n", "2"});
  for (const std::string path : {"auto", "one-sided", "emulated"}) {
    for (const std::string count : {"2", "5"}) {
      const auto report = program_.run(
          program_.train({"-n", "2", "--set", "generator.count=" + count, "--set", "transport.path=" + path}));
      EXPECT_EQ(report["parameters_sha256"], expected) << path << ", " << count << " generators";
      EXPECT_EQ(report["paths"].size(), 2 * std::stoul(count));
      EXPECT_EQ(report["processes"].size(), 2 + std::stoul(count));
    }
  }
}

TEST_F(SameBitsTest, WithClippedGradients) {
  const std::vector<std::string> options = {"-n", "2", "--set", "optimizer.clip_norm=0.5"};
  EXPECT_NE(digest(options), digest({"-n", "2"})) << "clipping changed nothing";
  expect_the_same({{"mapped", 16384, 3}, {"emulated", 65536, 1}}, options);
}

TEST_F(SameBitsTest, WhenRepeatedWithMoreProcessesThanCores) {
  const std::string expected = digest({"-n", "4"});
  EXPECT_EQ(digest({"-n", "4"}), expected);
  EXPECT_EQ(digest({"-n", "4", "--set", "transport.path=emulated"}), expected);
}

TEST_F(SameBitsTest, AnotherSeedGivesOthers) {
  EXPECT_NE(digest({"-n", "2", "--set", "run.seed=2"}), digest({"-n", "2"}));
}

TEST_F(SameBitsTest, AloneAsWithOneTrainer) {
  EXPECT_EQ(digest({"--alone"}), digest({"-n", "1"}));
}

/// 8 seats in `trainers` processes, or alone.
std::vector<std::string> seats_in(const std::string& trainers) {
  const std::vector<std::string> processes =
      trainers == "alone" ? std::vector<std::string>{"--alone"} : std::vector<std::string>{"-n", trainers};
  return processes + std::vector<std::string>{"--set", "trainer.seats=8",      "--set", "trainer.batch_size=4",
                                              "--set", "run.max_gradients=64", "--set", "optimizer.reduce=mean"};
}

TEST_F(SameBitsTest, WithSeatsForEveryNumberOfTrainers) {
  const auto expected = program_.run(program_.train(seats_in("8")));
  for (const std::string trainers : {"1", "3", "5", "alone"}) {
    const auto report = program_.run(program_.train(seats_in(trainers)));
    EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]) << trainers;
    EXPECT_EQ(report["steps"], 8);
    EXPECT_EQ(report["gradients"], 64);
    ASSERT_EQ(report["loss"].size(), 8U);
    for (std::size_t step = 0; step < 8; ++step) {
      EXPECT_NEAR(report["loss"][step][1].get<double>(), expected["loss"][step][1].get<double>(), 1e-12) << trainers;
    }
  }
  const std::vector<std::string> off = {"--set", "trainer.seats=0"};
  EXPECT_NE(digest(seats_in("2") + off), expected["parameters_sha256"].get<std::string>()) << "8 seats are 2";
}

TEST_F(SameBitsTest, WithSeatsThatHaveDifferentShares) {
  write_idx_folder(program_.folder(), 13, 20);  // five shares of two images and three of one
  const std::vector<std::string> single = {"--set", "trainer.batch_size=1"};
  const auto expected = program_.run(program_.train(seats_in("8") + single));
  EXPECT_EQ(expected["steps"], 4);  // in two epochs
  for (const std::string trainers : {"2", "alone"}) {
    const auto report = program_.run(program_.train(seats_in(trainers) + single));
    EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]) << trainers;
    EXPECT_NEAR(report["loss"][1][1].get<double>(), expected["loss"][1][1].get<double>(), 1e-12) << trainers;
  }
}

TEST_F(SameBitsTest, WithSeatsOnEveryPathAndClipped) {
  const std::vector<std::string> options =
      seats_in("2") + std::vector<std::string>{"--set", "optimizer.clip_norm=0.01"};
  EXPECT_NE(digest(options), digest(seats_in("2"))) << "clipping changed nothing";
  expect_the_same({{"one-sided", 65536, 3}, {"emulated", 1048576, 1}}, options);
}

}  // namespace
}  // namespace runnel::test
