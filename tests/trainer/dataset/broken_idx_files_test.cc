// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
//
// IDX files that are broken in one way or another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"
#include "trainer/dataset/idx_dataset.h"

namespace runnel {
namespace {

using test::Bytes;
using test::gzip;
using test::idx_images;
using test::idx_labels;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using test::write_idx_folder;

using testing::HasSubstr;

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

struct BrokenCase {
  std::string name;
  std::function<void(const std::filesystem::path& folder)> spoil;  // a folder of good files
  ExitStatus status;
  std::vector<std::string> words;  // of the message
};

void change(const std::filesystem::path& file, const std::function<void(Bytes&)>& edit) {
  Bytes bytes = read_bytes(file);
  edit(bytes);
  write_bytes(file, bytes);
}

void compress(const std::filesystem::path& file, const std::function<void(Bytes&)>& edit) {
  Bytes bytes = gzip(read_bytes(file));
  edit(bytes);
  std::filesystem::remove(file);
  write_bytes(file.string() + ".gz", bytes);
}

std::vector<BrokenCase> broken_cases() {
  using std::filesystem::path;
  const auto bad = ExitStatus::bad_data;
  return {
      {"NoImages",
       [](const path& f) { std::filesystem::remove(f / kImages); },
       ExitStatus::input_missing,
       {kImages, ".gz", "data.path"}},
      {"NoLabels", [](const path& f) { std::filesystem::remove(f / kLabels); }, ExitStatus::input_missing, {kLabels}},
      {"Folder",
       [](const path& f) {
         std::filesystem::remove(f / kImages);
         std::filesystem::create_directory(f / kImages);
       },
       bad,
       {kImages, "irectory"}},
      {"Pipe",
       [](const path& f) {
         std::filesystem::remove(f / kImages);
         mkfifo((f / kImages).c_str(), 0600);
       },
       bad,
       {kImages, "a pipe"}},
      {"Empty", [](const path& f) { write_bytes(f / kImages, {}); }, bad, {kImages, "found 0 bytes"}},
      {"HalfAHeader",
       [](const path& f) { change(f / kImages, [](Bytes& b) { b.resize(10); }); },
       bad,
       {kImages, "a header", "found 10 bytes"}},
      {"LabelsForImages",
       [](const path& f) {
         std::filesystem::copy_file(f / kLabels, f / kImages, std::filesystem::copy_options::overwrite_existing);
       },
       bad,
       {kImages, "0x00000803", "0x00000801"}},
      {"FloatPixels",
       [](const path& f) { change(f / kImages, [](Bytes& b) { b[2] = 0x0D; }); },
       bad,
       {kImages, "0x00000d03"}},
      {"NarrowImages",
       [](const path& f) { change(f / kImages, [](Bytes& b) { b[15] = 27; }); },
       bad,
       {kImages, "28x28", "27"}},
      {"NoSamples",
       [](const path& f) {
         change(f / kImages, [](Bytes& b) {
           b[7] = 0;
           b.resize(16);
         });
       },
       bad,
       {kImages, "at least one sample"}},
      {"OneByteShort",
       [](const path& f) { change(f / kImages, [](Bytes& b) { b.pop_back(); }); },
       bad,
       {kImages, "expected 7072 bytes", "found 7071"}},
      {"OneByteLong",
       [](const path& f) { change(f / kImages, [](Bytes& b) { b.push_back(0); }); },
       bad,
       {kImages, "expected 7072 bytes", "more"}},
      {"LabelsShort",
       [](const path& f) { change(f / kLabels, [](Bytes& b) { b.pop_back(); }); },
       bad,
       {kLabels, "expected 17 bytes", "found 16"}},
      {"FewerLabels",
       [](const path& f) {
         change(f / kLabels, [](Bytes& b) {
           b[7] = 8;
           b.pop_back();
         });
       },
       bad,
       {kLabels, "expected 9 labels", "found 8"}},
      {"LabelTen",
       [](const path& f) { change(f / kLabels, [](Bytes& b) { b[8 + 4] = 10; }); },
       bad,
       {kLabels, "below 10", "found 10", "sample 4"}},
      {"TerabytesPromised",
       [](const path& f) {
         change(f / kImages, [](Bytes& b) { b[4] = 0xFF; });
         change(f / kLabels, [](Bytes& b) { b[4] = 0xFF; });
       },
       bad,
       {kImages, "found a file of 7072"}},
      {"NotGzip",
       [](const path& f) { compress(f / kImages, [](Bytes& b) { b[0] = 'x'; }); },
       bad,
       {kImages, ".gz", "magic"}},
      {"GzipCutShort",
       [](const path& f) { compress(f / kImages, [](Bytes& b) { b.resize(b.size() / 2); }); },
       bad,
       {kImages, ".gz", "end of file"}},
      {"GzipWithoutTrailer",
       [](const path& f) { compress(f / kLabels, [](Bytes& b) { b.resize(b.size() - 8); }); },
       bad,
       {kLabels, ".gz", "end of file"}},
      {"GzipWrongChecksum",
       [](const path& f) { compress(f / kLabels, [](Bytes& b) { b[b.size() - 8] ^= 1; }); },
       bad,
       {kLabels, ".gz", "check"}},
      {"BytesAfterGzip",
       [](const path& f) { compress(f / kLabels, [](Bytes& b) { b.push_back('x'); }); },
       bad,
       {kLabels, ".gz", "bytes after the end"}},
      {"ZerosAfterGzip",
       [](const path& f) { compress(f / kImages, [](Bytes& b) { b.resize(b.size() + 512); }); },
       bad,
       {kImages, ".gz", "bytes after the end"}},
      {"HalfAMemberAfterGzip",
       [](const path& f) {
         compress(f / kImages, [](Bytes& b) {
           b.push_back(0x1f);
           b.push_back(0x8b);
         });
       },
       bad,
       {kImages, ".gz", "end of file"}},
      {"LfsPointer",
       [](const path& f) {
         std::ofstream(f / kImages) << "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 47040016\n";
       },
       bad,
       {kImages, "0x00000803", "Git LFS pointer"}},
      {"NamesOfKaggle",
       [](const path& f) { std::filesystem::rename(f / kImages, f / "train-images.idx3-ubyte"); },
       ExitStatus::input_missing,
       {kImages, "train-images.idx3-ubyte is there: rename it"}},
      {"CompressedNamesOfKaggle",
       [](const path& f) {
         std::filesystem::remove(f / kLabels);
         write_bytes(f / "train-labels.idx1-ubyte.gz", gzip(idx_labels(9)));
       },
       ExitStatus::input_missing,
       {kLabels, "train-labels.idx1-ubyte.gz is there: rename it to train-labels-idx1-ubyte.gz"}},
      {"FoldersOfTorchvision",
       [](const path& f) {
         std::filesystem::create_directories(f / "MNIST" / "raw");
         std::filesystem::rename(f / kImages, f / "MNIST" / "raw" / kImages);
       },
       ExitStatus::input_missing,
       {kImages, "MNIST/raw: set data.path to that"}},
  };
}

class BrokenIdxFiles : public testing::TestWithParam<BrokenCase> {};

TEST_P(BrokenIdxFiles, AreRefusedWithPathExpectedAndFound) {
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 9, 4);
  GetParam().spoil(folder.path());
  try {
    const IdxDataset data({.folder = folder.path()});
    FAIL() << "was accepted";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), GetParam().status) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(folder.path().string()));
    for (const std::string& word : GetParam().words) EXPECT_THAT(error.what(), HasSubstr(word));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, BrokenIdxFiles, testing::ValuesIn(broken_cases()),
                         [](const auto& broken) { return broken.param.name; });

TEST(IdxFiles, NoBytesMakeThemCrashOrAcceptABadLabel) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 5, 1);
  const std::vector<std::pair<std::string, Bytes>> files = {
      {kImages, idx_images(5)}, {kLabels, idx_labels(5)}, {kLabels, gzip(idx_labels(5))}};
  for (int round = 0; round < 500; ++round) {
    const auto& [name, good] = files[random.below(3)];
    Bytes bytes = good;
    for (std::uint32_t edits = random.below(4); edits > 0; --edits) {
      bytes[random.below(std::min<std::uint32_t>(32, static_cast<std::uint32_t>(bytes.size())))] =
          static_cast<std::uint8_t>(random.next());
    }
    bytes.resize(random.below(4) == 0 ? random.below(static_cast<std::uint32_t>(bytes.size() + 9)) : bytes.size());
    write_bytes(folder.path() / name, bytes);
    try {
      const IdxDataset data({.folder = folder.path()});
      ASSERT_EQ(data.size(), 5);
      for (std::size_t i = 0; i < 5; ++i) ASSERT_LT(data.label(i), IdxDataset::kClasses);
    } catch (const RunError& error) {
      ASSERT_EQ(error.status(), ExitStatus::bad_data) << error.what();
      ASSERT_THAT(error.what(), HasSubstr(folder.path().string()));
    }
    write_bytes(folder.path() / name, name == kImages ? files[0].second : files[1].second);
  }
}

}  // namespace
}  // namespace runnel
