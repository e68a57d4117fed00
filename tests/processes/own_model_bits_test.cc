// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// Models of PyTorch in files, trained by jobs: one digest whichever way the tensors take. Dropout, BatchNorm's
/// statistics, tied, unused and frozen parameters are among them. What the passes compute is compared with PyTorch by
/// tests/trainer/model/.
namespace runnel::test {
namespace {

constexpr const char* kImages =
    R"(options = { kind = "classes", shape = [1, 12, 12], classes = 10, samples = 200, test_samples = 20 })";
constexpr const char* kTokens =
    R"(options = { kind = "tokens", context = 8, vocabulary = 32, samples = 200, test_samples = 20 })";

struct OwnModel {
  std::string name;  ///< of the fixture
  std::string objective;
  std::string data_options;
  bool for_two_generators = false;  ///< large enough
  bool is_script = false;           ///< TorchScript, not torch.export
  bool has_dropout = false;

  std::string config() const {
    const std::string format = is_script ? "torchscript" : "export";
    const std::string file = is_script ? "/scripted_" + name + ".pt" : "/exported_" + name + ".pt2";
    return "[model]\nname = \"" + format + "\"\nfile = \"" RUNNEL_FIXTURE_FOLDER + file + "\"\n[objective]\nname = \"" +
           objective + "\"\n[data]\nname = \"synthetic\"\n" + data_options +
           "\n[trainer]\nbatch_size = 5\nseats = 4\n[run]\nmax_gradients = 0\nmax_steps = 6\n";
  }
};

std::ostream& operator<<(std::ostream& out, const OwnModel& model) {
  return out << model.name;
}

class OwnModelBitsTest : public testing::TestWithParam<OwnModel> {
 protected:
  OwnModelBitsTest() { std::ofstream(config_) << GetParam().config(); }

  nlohmann::json run(const std::vector<std::string>& options) const {
    return program_.run(std::vector<std::string>{RUNNEL_PROGRAM, "train", config_, "--report", program_.report_file()} +
                        options);
  }

  /// What `runnel test` prints.
  std::string test_of(const std::vector<std::string>& options) const {
    Job job({.argv = std::vector<std::string>{RUNNEL_PROGRAM, "test", config_, "--json"} + options});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 0) << job.output();
    return job.output();
  }

  RunnelProgram program_;
  std::string config_ = program_.folder() / "own.toml";
};

TEST_P(OwnModelBitsTest, AreTheSameWhateverWayTheTensorsTake) {
  const auto alone = run({"--alone"});
  ASSERT_EQ(alone["steps"], 6);
  ASSERT_EQ(alone["gradients"], 24);
  std::vector<std::vector<std::string>> ways = {
      {"-n", "1"},
      {"-n", "2"},
      {"-n", "4"},
      {"-n", "2", "--set", "transport.path=one-sided", "--set", "transport.bucket_bytes=16384"},
      {"-n", "4", "--set", "transport.path=emulated", "--set", "generator.threads=2"}};
  if (GetParam().for_two_generators) ways.push_back({"-n", "2", "--set", "generator.count=2"});
  for (const auto& way : ways) {
    const auto report = run(way);
    EXPECT_EQ(report["parameters_sha256"], alone["parameters_sha256"]) << testing::PrintToString(way);
    // Passes of fewer samples may use other kernels.
    EXPECT_NEAR(report["test"]["loss"], alone["test"]["loss"], 1e-6) << testing::PrintToString(way);
  }
}

/// Own kernels for linear and pool have LibTorch's bits; that for dropout draws other numbers.
TEST_P(OwnModelBitsTest, AreThoseOfLibTorchsKernelsButForDropout) {
  const std::vector<std::string> torch = {"--set", "trainer.kernels=torch"};
  const auto alone = run(std::vector<std::string>{"--alone"} + torch);
  for (const std::string trainers : {"2", "4"}) {
    const auto report = run(std::vector<std::string>{"-n", trainers} + torch);
    EXPECT_EQ(report["parameters_sha256"], alone["parameters_sha256"]) << trainers;
  }
  const bool same = run({"--alone"})["parameters_sha256"] == alone["parameters_sha256"];
  EXPECT_EQ(same, !GetParam().has_dropout);
  EXPECT_EQ(test_of({"--set", "trainer.kernels=own"}), test_of(torch));  // without dropout
}

TEST_P(OwnModelBitsTest, DependOnTheSeed) {
  const std::vector<std::string> other = {"--alone", "--set", "run.seed=2"};
  EXPECT_NE(run({"--alone"})["parameters_sha256"], run(other)["parameters_sha256"]);
}

constexpr bool kIsScript = true, kHasDropout = true;

INSTANTIATE_TEST_SUITE_P(
    Exported, OwnModelBitsTest,
    testing::Values(OwnModel{"cnn", "nll", kImages, false, !kIsScript, kHasDropout},
                    OwnModel{"batch_norm", "nll", kImages, true}, OwnModel{"frozen", "nll", kImages},
                    OwnModel{"transformer", "cross_entropy", kTokens, true, !kIsScript, kHasDropout}),
    testing::PrintToStringParamName());

INSTANTIATE_TEST_SUITE_P(TorchScript, OwnModelBitsTest,
                         testing::Values(OwnModel{"transformer", "cross_entropy", kTokens, true, kIsScript,
                                                  kHasDropout}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace runnel::test
