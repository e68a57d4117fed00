// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/checkpoint/safetensors.h"
#include "tests/processes/runnel_program.h"

/// Parameters that go into a job by model.init and come out of it by --save: against PyTorch's, and back in.
namespace runnel::test {
namespace {

using Tensors = std::map<std::string, std::vector<float>>;

Tensors read_safetensors(const std::string& file) {
  const SafetensorsFile opened(file);
  Tensors tensors;
  for (const StoredTensor& one : opened.tensors()) {
    std::vector<float>& values = tensors[one.name];
    values.resize(one.bytes.size() / sizeof(float));
    std::ranges::copy(one.bytes, std::as_writable_bytes(std::span(values)).begin());
  }
  return tensors;
}

/// MNIST's file `name`, unpacked.
Bytes read_mnist(const std::string& name) {
  const std::string path = RUNNEL_MNIST_FOLDER "/" + name + ".gz";
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  Bytes bytes;
  Bytes part(1 << 20);
  for (int count = 0; (count = gzread(file.get(), part.data(), static_cast<unsigned>(part.size()))) > 0;) {
    bytes.insert(bytes.end(), part.begin(), part.begin() + count);
  }
  return bytes;
}

struct Range {
  std::uint32_t first;
  std::uint32_t count;
};

/// Copies samples of MNIST's file `name`, whose header has `header` bytes and whose samples have `sample` bytes.
void write_excerpt(const std::filesystem::path& folder, const std::string& name, std::size_t header, std::size_t sample,
                   const std::vector<Range>& ranges) {
  const Bytes all = read_mnist(name);
  Bytes excerpt(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(header));
  std::uint32_t total = 0;
  for (const Range& range : ranges) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(header + range.first * sample);
    excerpt.insert(excerpt.end(), begin, begin + static_cast<std::ptrdiff_t>(range.count * sample));
    total += range.count;
  }
  for (std::size_t i = 0; i < 4; ++i) excerpt[4 + i] = static_cast<std::uint8_t>(total >> (24 - 8 * i));
  write_bytes(folder / name, excerpt);
}

/// What PyTorch's trainers see in the fixture's steps: the beginnings of both halves of the training set.
void write_data_of_fixture(const std::filesystem::path& folder, const nlohmann::json& fixture) {
  const std::uint32_t images = fixture["steps"].get<std::uint32_t>() * fixture["batch_size"].get<std::uint32_t>();
  const std::vector<Range> train = {{0, images}, {30000, images}};
  write_excerpt(folder, "train-images-idx3-ubyte", 16, 784, train);
  write_excerpt(folder, "train-labels-idx1-ubyte", 8, 1, train);
  write_excerpt(folder, "t10k-images-idx3-ubyte", 16, 784, {{0, 200}});
  write_excerpt(folder, "t10k-labels-idx1-ubyte", 8, 1, {{0, 200}});
}

class WeightsTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return program_.folder() / name; }

  RunnelProgram program_;
};

TEST_F(WeightsTest, TenStepsOfTwoTrainersEndAsPyTorchs) {
  const auto fixture = nlohmann::json::parse(std::ifstream(RUNNEL_FIXTURE_FOLDER "/parity.json"));
  std::filesystem::create_directory(file("mnist"));
  write_data_of_fixture(file("mnist"), fixture);
  // A run whose learning rate changes nothing saves what it starts from: LibTorch's initialisation from the seed.
  const std::string seed = fixture["seed"].dump();
  program_.run(program_.train(
      {"--alone", "--dry-run", "--save", file("start"), "--set", "run.seed=" + seed, "--set", "optimizer.lr=0"}));
  program_.run(program_.train({"-n", "2", "--save", file("end"), "--set", "model.init=" + file("start"), "--set",
                               "data.path=" + file("mnist"), "--set", "trainer.batch_size=64", "--set",
                               "data.shuffle=no", "--set", "model.options.dropout=[0, 0]"}));
  EXPECT_EQ(program_.report()["steps"], fixture["steps"]);

  const Tensors found = read_safetensors(file("end"));
  EXPECT_EQ(found.size(), fixture["tensors"].size());
  for (const auto& [name, values] : found) {
    const auto& expected = fixture["tensors"][name];
    double squares = 0;
    for (const float value : values) squares += static_cast<double>(value) * value;
    EXPECT_NEAR(std::sqrt(squares) / expected["final_norm"].get<double>(), 1, 1e-6) << name;
    const auto samples = expected["final_samples"].get<std::vector<double>>();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      EXPECT_NEAR(values[i * values.size() / samples.size()], samples[i], 1e-5 + 1e-4 * std::abs(samples[i])) << name;
    }
  }
}

TEST_F(WeightsTest, SavedParametersAreWhereTheNextRunBegins) {
  const auto first = program_.run(program_.train({"-n", "2", "--save", file("middle")}));
  const std::vector<std::string> unchanged = {"--set", "optimizer.lr=0", "--set", "model.init=" + file("middle")};
  const auto second = program_.run(program_.train(std::vector<std::string>{"-n", "2"} + unchanged));
  EXPECT_EQ(second["parameters_sha256"], first["parameters_sha256"]);
  const auto alone = program_.run(program_.train(std::vector<std::string>{"--alone"} + unchanged));
  EXPECT_EQ(alone["parameters_sha256"], first["parameters_sha256"]);
}

/// Runs `argv` with 200 KB at /mnt, and lists what it leaves there.
std::vector<std::string> with_small_disk(const std::vector<std::string>& argv) {
  const std::string script =
      "mount -t tmpfs -o size=200k none /mnt || exit; \"$@\"; status=$?; ls -A /mnt | sed 's/^/left: /'; exit $status";
  return std::vector<std::string>{"unshare", "--mount", "bash", "-c", script, "-"} + argv;
}

TEST(FullDiskTest, IsInTheReportAndLeavesNothing) {
  Job mounts({.argv = with_small_disk({"true"})});
  if (mounts.wait() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: no permission for mounts of its own";
  const RunnelProgram program;
  // What does not fit: parameters at once, the trace of some hundred steps.
  for (const auto& [output, gradients] : {std::pair("--save", "2"), {"--trace", "300"}}) {
    for (const char* way : {"-n2", "--alone"}) {
      std::filesystem::remove(program.report_file());
      const std::vector<std::string> steps = {"--set",
                                              std::string("run={max_epochs=100, max_gradients=") + gradients + "}"};
      Job job({.argv = with_small_disk(program.train({way, output, "/mnt/file"}) + steps)});
      EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 74);
      EXPECT_NE(job.output().find("error: /mnt/file: cannot be written: No space left on device\n"), std::string::npos)
          << job.output();
      EXPECT_EQ(job.output().find("left: "), std::string::npos) << job.output();
      EXPECT_EQ(program.report()["exit"], 74);
      EXPECT_GT(program.report()["steps"], 0);
    }
  }
}

}  // namespace
}  // namespace runnel::test
