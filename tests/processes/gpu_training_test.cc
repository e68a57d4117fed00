// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/device/device_module.h"
#include "tests/processes/runnel_program.h"

/// Jobs on a GPU, which all processes share where there is one.
namespace runnel::test {
namespace {

class GpuTrainingTest : public testing::Test {
 protected:
  void SetUp() override {
    const CudaFound found = find_cuda();
    if (found.devices == 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: training on a GPU: " << found.reason;
  }

  /// The report of a run on MNIST whose loss has to fall.
  nlohmann::json train(const std::string& generator, const std::string& trainers, const std::string& model,
                       const std::vector<std::string>& more = {"-n", "2"}) const {
    const std::vector<std::string> sets = {
        "data.path='" RUNNEL_MNIST_FOLDER "'", "trainer.batch_size=64",      "run.max_gradients=60",
        "generator.device=" + generator,       "trainer.device=" + trainers, "model.name=" + model};
    std::vector<std::string> options = more;
    for (const std::string& set : sets) options.insert(options.end(), {"--set", set});
    auto report = program_.run(program_.train(options));
    const auto& loss = report["loss"];
    EXPECT_LT(loss.back()[1].get<double>(), 0.8 * loss.front()[1].get<double>());
    for (const auto& process : report["processes"]) {
      const std::string& wanted = process["role"] == "generator" ? generator : trainers;
      EXPECT_TRUE(process["device"].get<std::string>().starts_with(wanted)) << process;
    }
    for (const auto& path : report["paths"]) EXPECT_EQ(path["path"], "mapped") << path;
    return report;
  }

 private:
  RunnelProgram program_;
};

TEST_F(GpuTrainingTest, TheLossFalls) {
  train("cuda", "cuda", "mnist-cnn");
  train("cpu", "cuda", "mnist-cnn");
  train("cuda", "cpu", "mnist-cnn");
}

TEST_F(GpuTrainingTest, TheLossOfALargeModelFalls) {
  train("cuda", "cuda", "mnist-mlp");
}

TEST_F(GpuTrainingTest, TheSameRunHasTheSameBits) {
  const auto sha = [&](const char* generator) { return train(generator, "cuda", "mnist-cnn")["parameters_sha256"]; };
  const auto first = sha("cuda");
  EXPECT_EQ(sha("cuda"), first);
  EXPECT_EQ(sha("cpu"), first) << "where the generator sums and updates changes the result";
}

// Batches wait in pinned memory, which is filled again once the GPU has copied it.
TEST_F(GpuTrainingTest, ReadingAheadKeepsTheBits) {
  const auto sha = [&](const char* prefetch) {
    return train("cuda", "cuda", "mnist-cnn", {"-n", "2", "--set", prefetch})["parameters_sha256"];
  };
  EXPECT_EQ(sha("data.prefetch=2"), sha("data.prefetch=0"));
}

TEST_F(GpuTrainingTest, DoctorMeasuresInTheMemoryOfTheGpu) {
  Job job({.argv = {"bash", "-c", RUNNEL_PROGRAM " doctor -n 2 --json 2>/dev/null"}});
  EXPECT_LE(job.wait_for_all(std::chrono::seconds(120)), 1)
      << job.output();  // 1: what else this machine could do better
  const auto diagnosis = nlohmann::json::parse(job.output());
  for (const auto& rank : diagnosis["ranks"]) EXPECT_TRUE(rank["device"].get<std::string>().starts_with("cuda:"));
  ASSERT_EQ(diagnosis["pairs"].size(), 2U);
  for (const auto& pair : diagnosis["pairs"]) EXPECT_EQ(pair["path"]["path"], "mapped") << pair;
}

TEST_F(GpuTrainingTest, AloneHasTheBitsOfAJobOfOneTrainer) {
  const auto job = train("cuda", "cuda:0", "mnist-cnn", {"-n", "1"});
  EXPECT_EQ(train("cuda", "cuda:0", "mnist-cnn", {"--alone"})["parameters_sha256"], job["parameters_sha256"]);
}

}  // namespace
}  // namespace runnel::test
