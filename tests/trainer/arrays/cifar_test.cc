// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/arrays/cifar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/arrays/mutations.h"

namespace runnel {
namespace {

using test::Bytes;
using test::elements;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// A record whose pixel k is `first` + k, modulo 256.
Bytes record(const Bytes& labels, std::uint8_t first) {
  Bytes bytes = labels;
  bytes.resize(labels.size() + 3072);
  std::iota(bytes.begin() + static_cast<std::ptrdiff_t>(labels.size()), bytes.end(), first);
  return bytes;
}

Bytes joined(const std::vector<Bytes>& parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

std::string refusal(const Bytes& bytes, Cifar kind = Cifar::ten) {
  return test::refusal(bytes, [&](const auto& path) { read_cifar({&path, 1}, kind); });
}

TEST(CifarFiles, SeveralAreOneArray) {
  const test::TemporaryFolder folder;
  const std::vector files = {folder.path() / "data_batch_1.bin", folder.path() / "data_batch_2.bin"};
  test::write_bytes(files[0], joined({record({3}, 0), record({9}, 1)}));
  test::write_bytes(files[1], record({0}, 2));
  const auto arrays = read_cifar(files, Cifar::ten);
  ASSERT_EQ(arrays.size(), 2U);
  EXPECT_EQ(arrays[0].name, "image");
  EXPECT_EQ(arrays[0].type, ElementType::uint8);
  EXPECT_THAT(arrays[0].shape, ElementsAre(3, 3, 32, 32));
  EXPECT_EQ(elements<std::uint8_t>(arrays[0]), joined({record({}, 0), record({}, 1), record({}, 2)}));
  EXPECT_EQ(arrays[1].name, "label");
  EXPECT_THAT(arrays[1].shape, ElementsAre(3));
  EXPECT_THAT(elements<std::uint8_t>(arrays[1]), ElementsAre(3, 9, 0));
}

TEST(CifarFiles, ThoseOfAHundredClassesHaveSuperclasses) {
  const test::TemporaryFolder folder;
  const std::vector files = {folder.path() / "train.bin"};
  test::write_bytes(files[0], joined({record({19, 99}, 0), record({0, 5}, 1)}));
  const auto arrays = read_cifar(files, Cifar::hundred);
  ASSERT_EQ(arrays.size(), 3U);
  EXPECT_THAT(arrays[0].shape, ElementsAre(2, 3, 32, 32));
  EXPECT_EQ(elements<std::uint8_t>(arrays[0]), joined({record({}, 0), record({}, 1)}));
  EXPECT_EQ(arrays[1].name, "coarse");
  EXPECT_THAT(elements<std::uint8_t>(arrays[1]), ElementsAre(19, 0));
  EXPECT_EQ(arrays[2].name, "label");
  EXPECT_THAT(elements<std::uint8_t>(arrays[2]), ElementsAre(99, 5));
}

TEST(CifarFiles, RefusesWrongLengths) {
  EXPECT_EQ(refusal({}),
            "byte 0: expected records of 3073 bytes to the end of the file, found 0 bytes; give the binary version of "
            "CIFAR-10");
  EXPECT_THAT(refusal(Bytes(3072)), HasSubstr("byte 0: expected records of 3073 bytes"));
  EXPECT_THAT(refusal(Bytes(2 * 3073 - 1)), HasSubstr("byte 3073: expected records of 3073 bytes"));
  EXPECT_THAT(refusal(record({1, 2}, 0)), HasSubstr("found 3074 bytes"));
  EXPECT_THAT(refusal(record({1}, 0), Cifar::hundred),
              HasSubstr("records of 3074 bytes to the end of the file, found"));
  EXPECT_THAT(refusal({0x80, 2, '}'}), EndsWith("found a Python pickle, as torch.save writes it; give the binary "
                                                "version of CIFAR-10"));
}

TEST(CifarFiles, RefusesLabelsOutOfRange) {
  EXPECT_EQ(refusal(joined({record({9}, 0), record({10}, 0)})),
            "byte 3073: expected \"label\" of CIFAR-10 below 10, found 10");
  EXPECT_EQ(refusal(record({20, 0}, 0), Cifar::hundred), "byte 0: expected \"coarse\" of CIFAR-100 below 20, found 20");
  EXPECT_EQ(refusal(record({19, 100}, 0), Cifar::hundred),
            "byte 1: expected \"label\" of CIFAR-100 below 100, found 100");
}

TEST(CifarFiles, RandomChangesAreReadOrRefused) {
  test::expect_robust({record({3}, 0)}, [](const auto& path) { return read_cifar({&path, 1}, Cifar::ten); });
}

}  // namespace
}  // namespace runnel
