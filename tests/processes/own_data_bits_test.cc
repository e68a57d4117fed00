// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/processes/runnel_program.h"
#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/arrays/array_files.h"

/// Data in files of users, read by jobs: one digest however many processes read them.
namespace runnel::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kSamples = 60;
constexpr int kBadData = 65, kPeerLost = 69;

Bytes random_bytes(std::size_t count) {
  SplitMix64 random(count);
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next() >> 56);
  return bytes;
}

/// One of four classes a sample.
Bytes labels() {
  Bytes bytes(kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) bytes[i] = static_cast<std::uint8_t>(i * i % 4);
  return bytes;
}

Bytes images_npy() {
  return npy_bytes(npy_dictionary("'|u1'", "(60, 3, 4, 4)"), random_bytes(kSamples * 48));
}

Bytes labels_npy() {
  return npy_bytes(npy_dictionary("'|u1'", "(60,)"), labels());
}

std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

void write_npy(const fs::path& folder) {
  write_bytes(folder / "image.npy", images_npy());
  write_bytes(folder / "label.npy", labels_npy());
}

void write_npz(const fs::path& folder) {
  write_bytes(folder / "a.npz", make_zip({{"image.npy", text_of(images_npy()), /*deflated=*/true},
                                          {"label.npy", text_of(labels_npy())},
                                          {"test_image.npy", text_of(images_npy())},
                                          {"test_label.npy", text_of(labels_npy()), /*deflated=*/true}}));
}

void write_safetensors(const fs::path& folder) {
  const Bytes pixels = random_bytes(kSamples * 48), classes = labels();
  const std::vector<StoredTensor> tensors = {
      {"image", ElementType::uint8, {kSamples, 48}, std::as_bytes(std::span(pixels))},
      {"label", ElementType::uint8, {kSamples}, std::as_bytes(std::span(classes))}};
  runnel::write_safetensors(folder / "a.safetensors", tensors);
}

/// As the published format has it: big-endian sizes.
void write_idx(const fs::path& folder) {
  const Bytes header = {0, 0, 8, 2, 0, 0, 0, kSamples, 0, 0, 0, 48}, pixels = random_bytes(kSamples * 48);
  const Bytes label_header = {0, 0, 8, 1, 0, 0, 0, kSamples}, classes = labels();
  Bytes images = header, targets = label_header;
  images.insert(images.end(), pixels.begin(), pixels.end());
  targets.insert(targets.end(), classes.begin(), classes.end());
  write_bytes(folder / "images", images);
  write_bytes(folder / "labels.gz", gzip(targets));
}

void write_csv(const fs::path& folder) {
  std::ofstream file(folder / "a.csv");
  file << "age,label,size\n";
  for (std::size_t i = 0; i < kSamples; ++i)
    file << i % 7 << ',' << i % 4 << ',' << 0.25 * static_cast<double>(i) << '\n';
}

void write_cifar(const fs::path& folder) {
  for (const std::string name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    Bytes records = random_bytes(12 * 3073);
    for (std::size_t i = 0; i < 12; ++i) records[i * 3073] = static_cast<std::uint8_t>((i + name.back()) % 10);
    write_bytes(folder / (name + ".bin"), records);
  }
}

void write_tokens(const fs::path& folder) {
  Bytes tokens = random_bytes(2000);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = i % 2 == 0 ? tokens[i] % 16 : 0;
  write_bytes(folder / "a.bin", tokens);
}

std::string mlp(int inputs, int outputs) {
  return "[model]\nname = 'mlp'\noptions = { inputs = " + std::to_string(inputs) +
         ", hidden = [8], outputs = " + std::to_string(outputs) + " }\n";
}

struct OwnData {
  std::string name;
  void (*write)(const fs::path& folder);
  std::string path;
  std::string data;  ///< keys of [data] and its options
  std::string model = mlp(48, 4);
  std::string objective_options = "";

  std::string config() const {
    return model + "[objective]\nname = 'cross_entropy'\n" + objective_options + "[data]\nname = '" + name +
           "'\npath = '" + path + "'\n" + data +
           "\n[trainer]\nbatch_size = 3\nseats = 4\ndevice = 'cpu'\n[generator]\ndevice = 'cpu'\n[run]\n"
           "max_gradients = 0\nmax_epochs = 9\nmax_steps = 9\n";  // more than an epoch
  }
};

std::ostream& operator<<(std::ostream& out, const OwnData& data) {
  return out << data.name;
}

class OwnDataBitsTest : public testing::TestWithParam<OwnData> {
 protected:
  OwnDataBitsTest() {
    std::ofstream(config_) << GetParam().config();
    GetParam().write(program_.folder());
  }

  Words train(const Words& options) const {
    return Words{RUNNEL_PROGRAM, "train", config_, "--report", program_.report_file()} + options;
  }

  RunnelProgram program_;
  std::string config_ = program_.folder() / "own.toml";
};

TEST_P(OwnDataBitsTest, AreTheSameForEveryNumberOfTrainers) {
  const auto alone = program_.run(train({"--alone"}));
  ASSERT_EQ(alone["steps"], 9);
  for (const std::string trainers : {"1", "2", "4"}) {
    const auto report = program_.run(train({"-n", trainers}));
    EXPECT_EQ(report["parameters_sha256"], alone["parameters_sha256"]) << trainers;
    EXPECT_NEAR(report["test"]["loss"], alone["test"]["loss"], 1e-12) << trainers;
  }
  EXPECT_NE(program_.run(train({"--alone", "--set", "run.max_steps=8"}))["parameters_sha256"],
            alone["parameters_sha256"]);
}

INSTANTIATE_TEST_SUITE_P(
    Files, OwnDataBitsTest,
    testing::Values(
        OwnData{"npy", write_npy, ".",
                "test_fraction = 0.2\noptions = { crop.image = 1, flip.image = true, "
                "normalize.image = { mean = [0.1, 0.2, 0.3], std = [1, 2, 3] } }"},
        OwnData{"npz", write_npz, "a.npz",
                "options = { inputs = ['image'], target = 'label', test_inputs = ['test_image'], "
                "test_target = 'test_label', crop.image = 2 }"},
        OwnData{"safetensors", write_safetensors, "a.safetensors", "test_path = 'a.safetensors'"},
        OwnData{"idx", write_idx, ".", "test_path = '.'\noptions = { inputs = ['images'], target = 'labels' }"},
        OwnData{"csv", write_csv, "a.csv", "test_fraction = 0.1\noptions = { cast.label = 'int64' }", mlp(2, 4)},
        OwnData{"cifar", write_cifar, ".", "options = { flip.image = true }", mlp(3072, 10)},
        OwnData{
            "tokens", write_tokens, "a.bin", "test_fraction = 0.1\noptions = { context = 8, vocabulary = 16 }",
            "[model]\nname = 'gpt'\noptions = { vocabulary = 16, context = 8, width = 16, heads = 2, layers = 1 }\n",
            "options.classes = 'last'\n"}),
    testing::PrintToStringParamName());

class OwnDataTest : public testing::Test {
 protected:
  /// MNIST's files as arrays: "images" and "labels", "test_images" and "test_labels".
  void write_mnist_as_npy(const fs::path& folder) const {
    const auto convert = [&](const char* from, std::ptrdiff_t header, const char* to, const std::string& shape) {
      const Bytes idx = read_bytes(program_.folder() / from);
      write_bytes(folder / to, npy_bytes(npy_dictionary("'|u1'", shape), {idx.begin() + header, idx.end()}));
    };
    convert("train-images-idx3-ubyte", 16, "images.npy", "(640, 28, 28)");
    convert("train-labels-idx1-ubyte", 8, "labels.npy", "(640,)");
    convert("t10k-images-idx3-ubyte", 16, "test_images.npy", "(200, 28, 28)");
    convert("t10k-labels-idx1-ubyte", 8, "test_labels.npy", "(200,)");
  }

  RunnelProgram program_;
};

TEST_F(OwnDataTest, MnistAsNumpyArraysHasTheBitsOfItsIdxFiles) {
  write_mnist_as_npy(program_.folder());
  const Words way = {"-n", "2", "--set", "data.shuffle=share", "--set", "run.max_steps=4"};
  const Words as_npy = {"--set", "data.name=npy", "--set",
                        "data.options={ inputs = ['images'], target = 'labels', test_inputs = ['test_images'], "
                        "test_target = 'test_labels', shape.images = [1, 28, 28], "
                        "normalize.images = { mean = [0.1307], std = [0.3081] } }"};
  const auto idx = program_.run(program_.train(way));
  const auto npy = program_.run(program_.train(way + as_npy));
  EXPECT_EQ(npy["parameters_sha256"], idx["parameters_sha256"]);
  EXPECT_EQ(npy["test"], idx["test"]);
}

TEST_F(OwnDataTest, HostsWithOtherDataAreFoundAtTheStart) {
  const fs::path other = program_.folder() / "other";
  fs::create_directory(other);
  write_idx_folder(other, 640, 200);
  Bytes images = read_bytes(other / "train-images-idx3-ubyte");
  images.at(100) ^= 1;
  write_bytes(other / "train-images-idx3-ubyte", images);
  const Words elsewhere = {"--set", "data.path=" + other.string()};
  const Words mine = program_.mpirun(2), theirs = Words{":", "-n", "1"} + program_.train(elsewhere);
  Job job({.argv = mine + theirs});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), kBadData) << job.output();
  EXPECT_NE(job.output().find("the data set differs: rank 0 has 640 samples in "), std::string::npos) << job.output();
  EXPECT_NE(job.output().find(", rank 2 has 640 samples in "), std::string::npos) << job.output();
}

TEST_F(OwnDataTest, HostsWithOtherTestDataAreFoundAtTheStart) {
  write_npz(program_.folder());
  write_csv(program_.folder());
  const std::vector<OwnData> cases = {
      {"npz", nullptr, "a.npz", "test_path = 'b.npz'\noptions = { inputs = ['image'], target = 'label' }"},
      {"csv", nullptr, "a.csv", "test_path = 'b.csv'\noptions = { cast.label = 'int64' }", mlp(2, 4)}};
  const fs::path config = program_.folder() / "own.toml";
  for (const OwnData& data : cases) {
    std::ofstream(config) << data.config();
    Bytes file = read_bytes(program_.folder() / data.path);
    write_bytes(program_.folder() / ("b." + data.name), file);
    if (data.name == "npz") {
      file = make_zip({{"image.npy", text_of(images_npy())}, {"label.npy", text_of(labels_npy()), /*deflated=*/true}});
    } else {
      file.at(file.size() - 2) = '9';
    }
    const fs::path other = program_.folder() / ("c." + data.name);
    write_bytes(other, file);
    const Words elsewhere = {"--set", "data.test_path=" + other.string()};
    Words argv = program_.mpirun(2) + Words{":", "-n", "1"} + program_.train(elsewhere);
    std::ranges::replace(argv, program_.config(), config.string());
    Job job({.argv = argv});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), kBadData) << job.output();
    EXPECT_NE(job.output().find("the data set differs: rank 0 has "), std::string::npos) << job.output();
  }
}

/// 20 GB of tokens and of images, with 1 GB for all that a process allocates: only what is read takes memory.
TEST_F(OwnDataTest, FilesMayBeLargerThanTheMemory) {
  constexpr std::uintmax_t kBytes = 20'000'000'000;
  const fs::path tokens = program_.folder() / "a.bin", images = program_.folder() / "image.npy";
  write_bytes(tokens, {});
  write_bytes(images, npy_bytes(npy_dictionary("'|u1'", "(400000, 50000)"), {}));
  fs::resize_file(tokens, kBytes);
  fs::resize_file(images, fs::file_size(images) + kBytes);
  struct stat status {};
  if (stat(images.c_str(), &status) != 0 || status.st_blocks > 1000)
    GTEST_SKIP() << "the file system of " << program_.folder() << " has no sparse files";
  write_bytes(program_.folder() / "label.npy", npy_bytes(npy_dictionary("'|u1'", "(400000,)"), Bytes(400'000)));
  const std::vector<OwnData> cases = {
      {"npy", nullptr, images.parent_path(), "test_fraction = 0.00001", mlp(50'000, 4)},
      {"tokens", nullptr, tokens, "test_fraction = 0.00001\noptions = { context = 8, stride = 100000 }",
       "[model]\nname = 'gpt'\noptions = { vocabulary = 16, context = 8, width = 16, heads = 2, layers = 1 }\n",
       "options.classes = 'last'\n"}};
  for (const OwnData& data : cases) {
    const fs::path config = program_.folder() / "own.toml", report = program_.report_file();
    std::ofstream(config) << data.config();
    const std::string command = "ulimit -d 1000000 && exec " RUNNEL_PROGRAM " train --alone " + config.string() +
                                " --report " + report.string();
    EXPECT_EQ(program_.run({"/bin/bash", "-c", command})["steps"], 9) << data;
  }
}

/// Zeros within the last page, or a fault beyond it: one line, and no weights of a run that read what was not there.
TEST_F(OwnDataTest, AFileThatIsTruncatedInARunEndsItWithOneLine) {
  const fs::path config = program_.folder() / "own.toml", images = program_.folder() / "image.npy",
                 weights = program_.folder() / "w.safetensors";
  OwnData data{"npy", write_npy, ".", "test_fraction = 0.2"};
  std::string text = data.config();
  text.replace(text.find("max_steps = 9"), 13, "max_steps = 0\nlog_every = 1");
  text.replace(text.find("max_epochs = 9"), 14, "max_epochs = 1000000");
  std::ofstream(config) << text;
  for (const bool in_last_page : {true, false}) {
    write_npy(program_.folder());
    Job job({.argv = {RUNNEL_PROGRAM, "train", config, "-n", "2", "--save", weights}});
    job.await_output("step 3/");
    const auto size = fs::file_size(images);
    fs::resize_file(images, in_last_page ? size - 1 : 0);
    const int status = job.wait_for_all(std::chrono::seconds(60));
    // A trainer that a fault ends may be found missing before its own status is.
    EXPECT_TRUE(status == kBadData || (!in_last_page && status == kPeerLost)) << status << '\n' << job.output();
    const std::string expected = images.string() + (in_last_page ? ": expected " + std::to_string(size) : ": ");
    EXPECT_NE(job.output().find(expected), std::string::npos) << job.output();
    EXPECT_FALSE(fs::exists(weights));
  }
}

}  // namespace
}  // namespace runnel::test
