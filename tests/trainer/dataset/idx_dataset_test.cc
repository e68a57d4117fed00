// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/idx_dataset.h"

#include <ATen/ops/empty.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"

namespace runnel {
namespace {

using test::Bytes;
using test::gzip;
using test::read_bytes;
using test::TemporaryFolder;
using test::write_bytes;
using test::write_idx_folder;

using testing::ElementsAreArray;
using testing::SizeIs;

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

TEST(IdxDataset, ReadsTheMnistThatComesWithRunnel) {
  const IdxDataset train({.folder = RUNNEL_MNIST_FOLDER});
  const IdxDataset test({.folder = RUNNEL_MNIST_FOLDER, .split = Split::test});
  ASSERT_EQ(train.size(), 60000);
  ASSERT_EQ(test.size(), 10000);
  EXPECT_EQ(train.label(0), 5);
  EXPECT_EQ(test.label(0), 7);

  // The mean of all training pixels is the well-known 0.1307 of the normalisation.
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < 60000; ++i) {
    sum = std::accumulate(train.image(i).begin(), train.image(i).end(), sum);
  }
  EXPECT_NEAR(static_cast<double>(sum) / 255 / (60000.0 * IdxDataset::kPixels), 0.1307, 5e-5);
}

TEST(IdxDataset, TellsItsSizeFromTheHeadersAlone) {
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 23, 5);
  for (const char* name : {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"}) {
    std::filesystem::resize_file(folder.path() / name, 3000);  // enough for the header to be believed
  }
  EXPECT_EQ(IdxDataset({.folder = folder.path(), .only_size = true}).size(), 23);
  EXPECT_EQ(IdxDataset({.folder = folder.path(), .split = Split::test, .only_size = true}).size(), 5);
  EXPECT_THROW(IdxDataset({.folder = folder.path()}), RunError);
}

TEST(IdxDataset, ReadsSamplesInTheOrderAskedFor) {
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 9, 4);
  const IdxDataset data({.folder = folder.path(), .normalize = {0, 1}});
  ASSERT_THAT(data.fields(), SizeIs(2));
  EXPECT_EQ(data.fields()[0].name, "image");
  EXPECT_EQ(data.fields()[1].name, "label");
  const std::vector<std::uint32_t> samples = {7, 0, 7};
  Batch batch{{at::empty({3, 1, 28, 28}, at::kFloat), at::empty({3}, at::kLong)}};
  data.read(samples, batch);
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::uint32_t sample = samples[static_cast<std::size_t>(i)];
    EXPECT_EQ(batch.target()[i].item<std::int64_t>(), data.label(sample));
    EXPECT_EQ(batch.fields[0][i][0][27][27].item<float>(), static_cast<float>(data.image(sample).back()) / 255.0F);
  }
}

TEST(IdxDataset, ReadsCompressedFilesAsPlainOnes) {
  const TemporaryFolder plain;
  const TemporaryFolder compressed;
  write_idx_folder(plain.path(), 9, 4);
  for (const char* name : {kImages, kLabels}) {
    write_bytes(compressed.path() / (std::string(name) + ".gz"), gzip(read_bytes(plain.path() / name)));
  }
  const IdxDataset expected({.folder = plain.path()});
  const IdxDataset found({.folder = compressed.path()});
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(found.label(i), expected.label(i));
    EXPECT_THAT(found.image(i), ElementsAreArray(expected.image(i)));
  }
}

TEST(IdxDataset, ReadsMembersOfGzipThatFollowEachOther) {
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 9, 4);
  const Bytes images = read_bytes(folder.path() / kImages);
  const auto middle = images.begin() + 5000;
  Bytes members = gzip(Bytes(images.begin(), middle));
  const Bytes second = gzip(Bytes(middle, images.end()));
  members.insert(members.end(), second.begin(), second.end());
  std::filesystem::remove(folder.path() / kImages);
  write_bytes(folder.path() / (std::string(kImages) + ".gz"), members);
  const IdxDataset found({.folder = folder.path()});
  EXPECT_TRUE(std::ranges::equal(found.image(8), std::span(images).last(IdxDataset::kPixels)));
}

}  // namespace
}  // namespace runnel
