// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/idx_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>

#include "runtime/base/random.h"
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

constexpr const char* kImages = "train-images-idx3-ubyte";
constexpr const char* kLabels = "train-labels-idx1-ubyte";

TEST(IdxDataset, ReadsTheMnistThatComesWithRunnel) {
  const IdxDataset train = IdxDataset::load(RUNNEL_MNIST_FOLDER, Split::train);
  const IdxDataset test = IdxDataset::load(RUNNEL_MNIST_FOLDER, Split::test);
  ASSERT_EQ(train.size(), 60000U);
  ASSERT_EQ(test.size(), 10000U);
  EXPECT_EQ(count_samples(RUNNEL_MNIST_FOLDER, Split::train), 60000U);
  EXPECT_EQ(count_samples(RUNNEL_MNIST_FOLDER, Split::test), 10000U);
  EXPECT_EQ(train.label(0), 5);
  EXPECT_EQ(test.label(0), 7);

  // The mean of all training pixels is the well-known 0.1307 of the normalisation.
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < train.size(); ++i) {
    sum = std::accumulate(train.image(i).begin(), train.image(i).end(), sum);
  }
  EXPECT_NEAR(static_cast<double>(sum) / 255 / static_cast<double>(train.size() * IdxDataset::kPixels), 0.1307, 5e-5);
}

TEST(IdxDataset, SharesTogetherAreTheFilesInTheirOrder) {
  const TemporaryFolder folder;
  write_idx_folder(folder.path(), 23, 5);
  const IdxDataset whole = IdxDataset::load(folder.path(), Split::train);
  for (std::size_t parts = 1; parts <= 25; ++parts) {
    std::size_t sample = 0;
    for (std::size_t part = 0; part < parts; ++part) {
      const IdxDataset share = IdxDataset::load(folder.path(), Split::train, part, parts);
      for (std::size_t i = 0; i < share.size(); ++i, ++sample) {
        ASSERT_LT(sample, whole.size());
        EXPECT_EQ(share.label(i), whole.label(sample));
        EXPECT_THAT(share.image(i), ElementsAreArray(whole.image(sample)));
      }
    }
    EXPECT_EQ(sample, whole.size()) << parts << " parts";
  }
}

TEST(IdxDataset, LoadsNeighbouringSharesAsOneByOne) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  const TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    write_idx_folder(folder.path(), 1 + random.below(300), 1);
    const std::size_t parts = 1 + random.below(16);
    const std::size_t first = random.below(static_cast<std::uint32_t>(parts));
    const std::size_t count = 1 + random.below(static_cast<std::uint32_t>(parts - first));
    const auto shares = IdxDataset::load_neighbours(folder.path(), Split::train, first, count, parts);
    ASSERT_EQ(shares.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const IdxDataset alone = IdxDataset::load(folder.path(), Split::train, first + i, parts);
      ASSERT_EQ(shares[i].size(), alone.size());
      for (std::size_t sample = 0; sample < alone.size(); ++sample) {
        ASSERT_EQ(shares[i].label(sample), alone.label(sample));
        ASSERT_TRUE(std::ranges::equal(shares[i].image(sample), alone.image(sample)));
      }
    }
  }
}

TEST(IdxDataset, ReadsCompressedFilesAsPlainOnes) {
  const TemporaryFolder plain;
  const TemporaryFolder compressed;
  write_idx_folder(plain.path(), 9, 4);
  for (const char* name : {kImages, kLabels}) {
    write_bytes(compressed.path() / (std::string(name) + ".gz"), gzip(read_bytes(plain.path() / name)));
  }
  const IdxDataset expected = IdxDataset::load(plain.path(), Split::train);
  const IdxDataset found = IdxDataset::load(compressed.path(), Split::train);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
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
  const IdxDataset found = IdxDataset::load(folder.path(), Split::train);
  EXPECT_TRUE(std::ranges::equal(found.image(8), std::span(images).last(IdxDataset::kPixels)));
}

}  // namespace
}  // namespace runnel
