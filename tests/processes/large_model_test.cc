// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/checkpoint/safetensors.h"
#include "tests/processes/runnel_program.h"

namespace runnel::test {
namespace {

// 116 buckets a gradient. Alone, the same sums are made without an exchange.
TEST(LargeModelTest, TrainsInAJobAsAlone) {
  const RunnelProgram program;
  const std::vector<std::string> options = {"--set", "model.name=mnist-mlp", "--set", "trainer.seats=2",
                                            "--set", "run.max_gradients=4"};
  const auto job = program.run(program.train(std::vector<std::string>{"-n", "2"} + options));
  EXPECT_EQ(job["steps"], 2);
  EXPECT_EQ(job["bytes"]["gradient"], 4 * 30'289'930);
  EXPECT_EQ(job["bytes"]["staged"], 0);
  const auto alone = program.run(program.train(std::vector<std::string>{"--alone"} + options));
  EXPECT_EQ(job["parameters_sha256"], alone["parameters_sha256"]);
}

// 10 000 of at most 16 bytes: many in a bucket, each with its hooks, names and places.
TEST(LargeModelTest, TrainsManySmallTensors) {
  constexpr int kLayers = 5000;
  const RunnelProgram program;
  std::string widths = "2";
  for (int layer = 2; layer < kLayers; ++layer) widths += ", 2";
  const std::string file = program.folder() / "many.toml";
  std::ofstream(file) << "model = { name = 'mlp', options = { hidden = [" << widths
                      << "] } }\nobjective = { name = 'cross_entropy' }\ndata = { path = '.' }\n"
                         "trainer = { batch_size = 2, test_batch_size = 100, seats = 2, device = 'cpu' }\n"
                         "generator = { device = 'cpu' }\nrun = { max_gradients = 0, max_steps = 3 }\n";
  const std::string weights = program.folder() / "many.safetensors";
  const std::vector<std::string> train = {RUNNEL_PROGRAM,        "train",  file,   "--report",
                                          program.report_file(), "--save", weights};
  const auto job = program.run(train + std::vector<std::string>{"-n", "2"});
  EXPECT_EQ(job["steps"], 3);
  const std::size_t floats = 784 * 2 + 2 + (kLayers - 2) * 6 + 2 * 10 + 10;
  EXPECT_EQ(job["bytes"]["gradient"], 4 * floats);
  SafetensorsFile saved(weights);
  EXPECT_EQ(saved.tensors().size(), 2U * kLayers);
  const auto alone = program.run(train + std::vector<std::string>{"--alone"});
  EXPECT_EQ(job["parameters_sha256"], alone["parameters_sha256"]);
}

}  // namespace
}  // namespace runnel::test
