// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include "tests/processes/runnel_program.h"

namespace runnel::test {
namespace {

// 116 buckets a gradient. Alone, the same sums are made without an exchange.
TEST(LargeModelTest, TrainsInAJobAsAlone) {
  const RunnelProgram program;
  const std::vector<std::string> options = {"--set", "model.name=mnist-mlp", "--set", "trainer.virtual=2",
                                            "--set", "run.max_gradients=4"};
  const auto job = program.run(program.train(std::vector<std::string>{"-n", "2"} + options));
  EXPECT_EQ(job["steps"], 2);
  EXPECT_EQ(job["bytes"]["gradient"], 4 * 30'289'930);
  EXPECT_EQ(job["bytes"]["staged"], 0);
  const auto alone = program.run(program.train(std::vector<std::string>{"--alone"} + options));
  EXPECT_EQ(job["parameters_sha256"], alone["parameters_sha256"]);
}

}  // namespace
}  // namespace runnel::test
