// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// A run that goes on from a checkpoint.
namespace runnel::test {
namespace {

using testing::HasSubstr;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kLimit{90};
constexpr int kSteps = 24;

std::string bytes_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class ResumeTest : public testing::Test {
 protected:
  /// A run of `kSteps` steps with 4 seats.
  Words train(int trainers, const Words& more = {}) const {
    return program_.train(Words{"-n", std::to_string(trainers), "--set", "trainer.seats=4", "--set",
                                "trainer.batch_size=4", "--set", "run.max_gradients=0", "--set",
                                "run.max_steps=" + std::to_string(kSteps)} +
                          more);
  }

  Words with_checkpoints(const Words& more = {}) const {
    return Words{"--checkpoint", checkpoints_.string(), "--set", "checkpoint.every_steps=5"} + more;
  }

  int newest_step() const {
    int newest = 0;
    for (const auto& entry : std::filesystem::directory_iterator(checkpoints_)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with("step-") || !std::filesystem::exists(entry.path() / "manifest.json")) continue;
      newest = std::max(newest, std::stoi(name.substr(5)));
    }
    return newest;
  }

  void expect_error(const Words& argv, int status, const std::string& text) const {
    Job job({.argv = argv});
    EXPECT_EQ(job.wait_for_all(kLimit), status) << job.output();
    EXPECT_THAT(job.output(), HasSubstr(text));
  }

  RunnelProgram program_;
  std::filesystem::path checkpoints_ = program_.folder() / "ckpt";
};

/// Each part ends at a random step, and the next one has random numbers of trainers and generators, and a random path.
TEST_F(ResumeTest, EndsWithTheBitsOfTheUnbrokenRunHoweverItIsInterrupted) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](int least, int most) { return std::uniform_int_distribution(least, most)(random); };
  const std::vector<Words> optimizers = {{"--set", "optimizer.name=adadelta"},
                                         {"--set", "optimizer.name=adamw"},
                                         {"--set", "optimizer.name=sgd", "--set", "optimizer.momentum=0.9"}};
  for (const Words& optimizer : optimizers) {
    const auto expected = program_.run(train(4, optimizer));
    std::filesystem::remove_all(checkpoints_);
    std::int64_t starts = 0;
    for (int step = 0; step < kSteps; ++starts) {
      step = std::min(kSteps, step + pick(1, kSteps - 1));
      const std::string path = std::vector<std::string>{"mapped", "one-sided", "emulated"}[random() % 3];
      const Words part = {"--resume",
                          "--set",
                          "run.max_steps=" + std::to_string(step),
                          "--set",
                          "generator.count=" + std::to_string(pick(1, 3)),
                          "--set",
                          "transport.path=" + path};
      const auto report = program_.run(train(pick(1, 4), optimizer + with_checkpoints() + part));
      EXPECT_EQ(report["steps"], step);
      EXPECT_EQ(report["starts"], starts + 1);
    }
    const auto report = program_.report();
    EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]) << starts << " starts";
    EXPECT_EQ(report["test"]["correct"], expected["test"]["correct"]);
    EXPECT_EQ(report["epochs"], expected["epochs"]);
    EXPECT_EQ(report["gradients"], expected["gradients"]);
  }
}

/// Ends a run by SIGTERM, or kills a trainer, then continues it for a few steps.
TEST_F(ResumeTest, AfterASignalOrALossItContinuesWithTheSameBits) {
  for (const bool by_signal : {true, false}) {
    for (const std::string generators : {"1", "2"}) {
      std::filesystem::remove_all(checkpoints_);
      const auto part = [&](int last, const Words& more) {
        return train(3, more + Words{"--set", "generator.count=" + generators, "--set", "run.max_epochs=100000",
                                     "--set", "run.max_steps=" + std::to_string(last)});
      };
      Job job({.argv = part(1'000'000, with_checkpoints())});
      job.await_output("checkpoint step-");
      kill(by_signal ? job.pid() : job.await_rank(3), by_signal ? SIGTERM : SIGKILL);
      EXPECT_EQ(job.wait_for_all(kLimit), by_signal ? 143 : 69) << job.output();
      if (by_signal) {
        EXPECT_THAT(job.output(), HasSubstr("; --resume continues the run from its newest checkpoint"));
      }
      const int saved = newest_step();
      const auto resumed = program_.run(part(saved + 3, with_checkpoints({"--resume"})));
      EXPECT_EQ(resumed["resumed_from"], saved);
      EXPECT_EQ(resumed["parameters_sha256"], program_.run(part(saved + 3, {}))["parameters_sha256"]);
    }
  }
}

TEST_F(ResumeTest, ACompleteRunIsTestedOnceMoreAndHasItsResult) {
  const auto first = program_.run(train(2, with_checkpoints()));
  const auto again = program_.run(train(3, with_checkpoints({"--resume"})));
  EXPECT_EQ(again["parameters_sha256"], first["parameters_sha256"]);
  EXPECT_EQ(again["test"]["correct"], first["test"]["correct"]);
  EXPECT_EQ(again["resumed_from"], kSteps);
}

TEST_F(ResumeTest, WithoutACheckpointTheRunStartsFromStepZeroAndSaysSo) {
  Job job({.argv = train(2, with_checkpoints({"--resume"}))});
  EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("no checkpoint in " + checkpoints_.string() + ": the run starts from step 0"));
}

TEST_F(ResumeTest, ADamagedCheckpointIsPassedOverWithALine) {
  const auto expected = program_.run(train(4));
  program_.run(train(2, with_checkpoints({"--set", "run.max_steps=10"})));
  program_.run(train(2, with_checkpoints({"--resume", "--set", "run.max_steps=15"})));
  std::fstream shard(checkpoints_ / "step-15" / "shard-0-of-1.safetensors",
                     std::ios::in | std::ios::out | std::ios::binary);
  shard.seekp(-9, std::ios::end);
  shard.put('\x5a');
  shard.close();
  Job job({.argv = train(3, with_checkpoints({"--resume"}))});
  EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("step-15/shard-0-of-1.safetensors"));
  EXPECT_EQ(program_.report()["resumed_from"], 10);
  EXPECT_EQ(program_.report()["parameters_sha256"], expected["parameters_sha256"]);
}

TEST_F(ResumeTest, ARunDoesNotMixItsCheckpointsWithThoseOfAnother) {
  program_.run(train(2, with_checkpoints()));
  expect_error(train(2, with_checkpoints()), 78, "has checkpoints up to step 24; add --resume");
}

TEST_F(ResumeTest, AnEarlierCheckpointSetsLaterOnesAside) {
  program_.run(train(4, with_checkpoints({"--set", "run.max_steps=15"})));
  program_.run(train(4, with_checkpoints({"--resume"})));
  const std::string earlier = (checkpoints_ / "step-15").string();
  const auto report = program_.run(train(2, with_checkpoints({"--resume", earlier, "--set", "run.max_steps=18"})));
  EXPECT_EQ(report["resumed_from"], 15);
  EXPECT_TRUE(std::filesystem::exists(checkpoints_ / "set-aside-step-24" / "manifest.json"));
  const auto newest = program_.run(train(2, with_checkpoints({"--resume", "--set", "run.max_steps=18"})));
  EXPECT_EQ(newest["resumed_from"], 18);
}

TEST_F(ResumeTest, WhatDiffersIsRefusedWithBothValuesOrListed) {
  program_.run(train(2, with_checkpoints({"--set", "run.max_steps=10"})));
  const Words resume = with_checkpoints({"--resume"});
  expect_error(train(2, resume + Words{"--set", "run.seed=7"}), 78, "run.seed");
  expect_error(train(2, resume + Words{"--set", "trainer.seats=8"}), 78, "seats");
  expect_error(train(2, resume + Words{"--set", "optimizer.name=sgd"}), 78, "sgd");
  expect_error(train(2, resume + Words{"--set", "model.name=mnist-mlp"}), 65, "fc1.weight");
  expect_error(train(5, resume), 78, "seats");
  expect_error(train(2, resume + Words{"--set", "run.max_steps=9"}), 78, "the run ends after 9");
  Job job({.argv = train(2, resume + Words{"--set", "optimizer.lr=0.05"})});
  EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("changed since: "));
  EXPECT_THAT(job.output(), HasSubstr("optimizer.lr: 0.05, was 0.1"));
}

TEST_F(ResumeTest, UnderMpirunEachRankFindsTheCheckpointItself) {
  const auto expected = program_.run(train(4));
  program_.run(train(4, with_checkpoints({"--set", "run.max_steps=11"})));
  const Words more = {"--set", "trainer.seats=4",     "--set", "trainer.batch_size=4",
                      "--set", "run.max_gradients=0", "--set", "run.max_steps=" + std::to_string(kSteps)};
  const auto report = program_.run(program_.mpirun(3, more + with_checkpoints({"--resume"})));
  EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]);
  EXPECT_EQ(report["resumed_from"], 11);
}

/// Integer buffers, which only trainers know, and averaged ones.
TEST_F(ResumeTest, KeepsBuffersOfAllKinds) {
  const Words resnet = {
      "--set", "model.name=resnet", "--set", "objective.name=cross_entropy", "--set", "model.options={ channels = 1 }",
      "--set", "run.max_steps=4"};
  const std::string unbroken = program_.folder() / "unbroken.safetensors";
  const std::string resumed = program_.folder() / "resumed.safetensors";
  const auto expected = program_.run(train(2, resnet + Words{"--save", unbroken}));
  program_.run(train(2, resnet + with_checkpoints({"--set", "run.max_steps=3"})));
  const auto report = program_.run(train(2, resnet + with_checkpoints({"--resume", "--save", resumed})));
  EXPECT_EQ(report["parameters_sha256"], expected["parameters_sha256"]);
  EXPECT_EQ(bytes_of(resumed), bytes_of(unbroken)) << "the file has all buffers";
}

TEST_F(ResumeTest, TrainingAloneKeepsNoCheckpoints) {
  expect_error(program_.train({"--alone", "--checkpoint", checkpoints_.string()}), 64, "-n 1");
}

}  // namespace
}  // namespace runnel::test
