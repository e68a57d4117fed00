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

}  // namespace
}  // namespace runnel::test
