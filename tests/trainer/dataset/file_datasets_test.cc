// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/dataset/file_dataset_folder.h"

namespace runnel::test {
namespace {

using FileDatasetTest = FileDatasetFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(FileDatasetTest, GivesEachTypeOfElementThatOfTheTable) {
  write<std::uint8_t>("y", "'|u1'", "(2,)", {3, 200});
  const auto input = [&] { return read_npy("").fields[0]; };
  write<std::uint8_t>("x", "'|u1'", "(2, 2)", {0, 255, 51, 1});
  EXPECT_TRUE(input().equal(at::tensor({0.0F, 1.0F, 0.2F, 1 / 255.0F}).view({2, 2})));
  write<std::uint8_t>("x", "'|b1'", "(2,)", {0, 1});
  EXPECT_TRUE(input().equal(at::tensor({0.0F, 1.0F})));
  write<std::int16_t>("x", "'<i2'", "(2,)", {-7, 300});
  EXPECT_TRUE(input().equal(at::tensor({-7, 300}, at::kLong)));
  write<std::int64_t>("x", "'<i8'", "(2,)", {-7, std::int64_t{1} << 40});
  EXPECT_TRUE(input().equal(at::tensor({std::int64_t{-7}, std::int64_t{1} << 40}, at::kLong)));
  write<double>("x", "'<f8'", "(2,)", {0.1, -2});
  EXPECT_TRUE(input().equal(at::tensor({0.1F, -2.0F})));
  write<std::uint16_t>("x", "'<f2'", "(2,)", {0x3C00, 0xC000});
  EXPECT_TRUE(input().equal(at::tensor({1.0F, -2.0F})));
  EXPECT_TRUE(read_npy("").target().equal(at::tensor({3, 200}, at::kLong)));
  write<float>("y", "'<f4'", "(2,)", {0.5, -1});
  EXPECT_TRUE(read_npy("").target().equal(at::tensor({0.5F, -1.0F})));
}

TEST_F(FileDatasetTest, NormalizesByChannelWithEveryOperationRounded) {
  write<std::int64_t>("y", "'<i8'", "(2,)", {0, 1});
  write<std::uint8_t>("x", "'|u1'", "(2, 2, 1, 2)", {0, 255, 51, 1, 7, 8, 9, 250});
  const at::Tensor bytes = at::tensor({0, 255, 51, 1, 7, 8, 9, 250}, at::kFloat).view({2, 2, 1, 2});
  const at::Tensor mean = at::tensor({0.49F, 0.48F}).view({2, 1, 1}),
                   deviation = at::tensor({0.2F, 0.3F}).view({2, 1, 1});
  const std::string rule = "normalize.x = { mean = [0.49, 0.48], std = [0.2, 0.3] }";
  EXPECT_TRUE(read_npy(rule).fields[0].equal((bytes / 255 - mean) / deviation));
  EXPECT_TRUE(read_npy(rule + ", cast.x = 'float32'").fields[0].equal((bytes - mean) / deviation));
  EXPECT_TRUE(read_npy("normalize.x = { min = [0], max = [255] }").fields[0].equal(bytes / 255));
  write<float>("x", "'<f4'", "(2, 2, 1, 2)", {0, 255, 51, 1, 7, 8, 9, 250});
  EXPECT_TRUE(read_npy(rule).fields[0].equal((bytes - mean) / deviation));
}

TEST_F(FileDatasetTest, NormalizesWhatFloat32CannotHoldBeforeItIsRounded) {
  write<float>("y", "'<f4'", "(2,)", {0, 1});
  const std::string time = "normalize.x = { mean = [1700000000], std = [2] }";
  const at::Tensor expected = at::tensor({0.5F, -1.5F});
  write<std::int64_t>("x", "'<i8'", "(2,)", {1'700'000'001, 1'699'999'997});
  EXPECT_TRUE(read_npy(time).fields[0].equal(expected));
  write<std::uint32_t>("x", "'<u4'", "(2,)", {1'700'000'001, 1'699'999'997});
  EXPECT_TRUE(read_npy(time).fields[0].equal(expected));
  write<double>("x", "'<f8'", "(2,)", {1'700'000'001, 1'699'999'997});
  EXPECT_TRUE(read_npy(time).fields[0].equal(expected));
  EXPECT_TRUE(
      read_npy("normalize.x = { min = [1699999997], max = [1700000001] }").fields[0].equal(at::tensor({1.0F, 0.0F})));
}

TEST_F(FileDatasetTest, ReshapesCastsAndCodesClasses) {
  write<float>("x", "'<f4'", "(2, 4)", {0, 1, 2, 3, 4, 5, 6, 7});
  write<std::int32_t>("y", "'<i4'", "(2,)", {2, 0});
  const Batch batch = read_npy("shape.x = [1, 2, 2], cast.x = 'int64', one_hot.y = 3");
  EXPECT_THAT(batch.fields[0].sizes(), ElementsAre(2, 1, 2, 2));
  EXPECT_EQ(batch.fields[0].scalar_type(), at::kLong);
  EXPECT_TRUE(batch.target().equal(at::tensor({0.0F, 0.0F, 1.0F, 1.0F, 0.0F, 0.0F}).view({2, 3})));
  EXPECT_THAT(error_of([&] { read_npy("one_hot.y = 2"); }, ExitStatus::bad_data),
              HasSubstr("y\": sample 0: expected a class from 0 to 1, as one_hot.y has it, found 2"));
  write<float>("x", "'<f4'", "(2,)", {1, 1.5});
  EXPECT_THAT(error_of([&] { read_npy("cast.x = 'int64'"); }, ExitStatus::bad_data),
              HasSubstr("x\": sample 1: expected a whole number"));
}

TEST_F(FileDatasetTest, ChangesTrainingSamplesByTheSeedAndTheSampleOnly) {
  std::vector<float> values(16 * 12);
  std::iota(values.begin(), values.end(), 1.0F);
  write<float>("x", "'<f4'", "(16, 1, 3, 4)", values);
  write<float>("y", "'<f4'", "(16, 3, 4)", values);
  const std::string rules = "crop.x = 1, flip.x = true, crop.y = 1, flip.y = true";
  const at::Tensor plain = read_npy("").fields[0], changed = read_npy(rules, 7).fields[0];
  EXPECT_TRUE(read_npy(rules, 7).fields[0].equal(changed));
  EXPECT_FALSE(read_npy(rules, 8).fields[0].equal(changed));
  EXPECT_TRUE(read_npy(rules, 7).target().equal(changed.squeeze(1))) << "an image and its mask are changed alike";
  EXPECT_TRUE(read_npy(rules, 7, Split::test).fields[0].equal(plain));
  std::set<std::string> kinds;
  for (std::int64_t sample = 0; sample < 16; ++sample) {
    for (const bool flip : {false, true}) {
      for (std::int64_t top = 0; top < 3; ++top) {
        for (std::int64_t left = 0; left < 3; ++left) {
          at::Tensor padded = at::zeros({1, 5, 6});
          padded.narrow(1, 1, 3).narrow(2, 1, 4).copy_(plain[sample]);
          const at::Tensor cut = padded.narrow(1, top, 3).narrow(2, left, 4);
          if (!changed[sample].equal(flip ? cut.flip({2}) : cut)) continue;
          kinds.insert(std::to_string(flip) + std::to_string(top) + std::to_string(left) + ' ' +
                       std::to_string(sample));
        }
      }
    }
  }
  EXPECT_EQ(kinds.size(), 16U) << "each is the sample, shifted and perhaps mirrored";
}

TEST_F(FileDatasetTest, NamesWhatIsThereWhereTheChoiceIsNotClear) {
  write_bytes(folder_.path() / "a.csv", text_bytes("size,age,price\n1,2,3\n4,5,6\n"));
  EXPECT_THAT(error_of([&] { open("csv", "a.csv", ""); }, ExitStatus::bad_configuration),
              AllOf(HasSubstr("data.options.target"), HasSubstr("size, age, price")));
  const auto table = open("csv", "a.csv", "target = 'age'", "test_path = 'a.csv'");
  EXPECT_TRUE(read(*table).fields[0].equal(at::tensor({1.0F, 3.0F, 4.0F, 6.0F}).view({2, 2})));
  EXPECT_EQ(table->fields()[0].name, "input");
  EXPECT_TRUE(read(*table).target().equal(at::tensor({2.0F, 5.0F})));
  EXPECT_THAT(error_of([&] { open("csv", "a.csv", "target = 'wage'"); }, ExitStatus::bad_data), HasSubstr("wage"));
}

TEST_F(FileDatasetTest, RefusesArraysOfOtherLengthsAndOptionsThatDoNotFit) {
  write<float>("x", "'<f4'", "(3,)", {1, 2, 3});
  write<float>("y", "'<f4'", "(2,)", {1, 2});
  EXPECT_THAT(error_of([&] { read_npy(""); }, ExitStatus::bad_data),
              HasSubstr("expected as many samples in all arrays, found \"x\" [3] and \"y\" [2]"));
  write<float>("y", "'<f4'", "(3,)", {1, 2, 3});
  const std::pair<std::string, std::string> cases[] = {
      {"normalize.x.mean = [0]", "as many numbers in mean as in std"},
      {"normalize.x = { mean = [0], std = [1], max = [1] }", "no min and max with mean and std"},
      {"normalize.x = { min = [2], max = [1] }", "numbers above those of min"},
      {"normalize.x = { min = [0], max = [1e-50] }", "numbers above those of min, by at least 1e-30"},
      {"inputs = ['x', 'x'], target = 'y'", "\"x\" is chosen twice"},
      {"inputs = ['x'], target = 'x'", "\"x\" is chosen twice"},
      {"normalize.x = { mean = [1, 2], std = [1, 2] }", "one number, or one for each of 1"},
      {"normalize.z.mean = [0]", "no such option"},
      {"shape.x = [2]", "sizes of 1 elements"},
      {"shape.x = [268435456, 268435456, 268435456]", "sizes of 1 elements"},
      {"one_hot.x = 2", "an array of integers"},
      {"crop.x = 2", "at least two dimensions"},
      {"shape.x = [1, 1], crop.x = 1", "fewer zeros on each side than height and width, the last two sizes of [1, 1]"}};
  for (const auto& [options, text] : cases) {
    EXPECT_THAT(error_of([&] { read_npy(options); }, ExitStatus::bad_configuration), HasSubstr(text)) << options;
  }
}

TEST_F(FileDatasetTest, TellsSizesOfCompressedArraysFromTheirHeaders) {
  Bytes x = npy_bytes(npy_dictionary("'|u1'", "(1024, 1024)"), Bytes(1 << 20, 7));
  write_bytes(folder_.path() / "a.npz", make_zip({{"x.npy", {x.begin(), x.end()}, /*deflated=*/true}}));
  const auto data = open("npz", "a.npz", "inputs = ['x'], target = ''", "test_path = 'a.npz'", Split::train,
                         /*only_size=*/true);
  EXPECT_EQ(data->size(), 1024);
  EXPECT_THAT(data->fields()[0].shape, ElementsAre(1024));
  EXPECT_EQ(data->fingerprint(),
            open("npz", "a.npz", "inputs = ['x'], target = ''", "test_path = 'a.npz'")->fingerprint());
}

TEST_F(FileDatasetTest, ReadsWindowsOfTokensAndFindsWrongOnes) {
  std::vector<std::uint16_t> tokens(23);
  std::iota(tokens.begin(), tokens.end(), 100);
  write_bytes(folder_.path() / "a.bin", number_bytes<std::uint16_t>(tokens));
  const auto windows = [&](const std::string& options) {
    return open("tokens", "a.bin", "context = 4, " + options, "test_path = 'a.bin'");
  };
  EXPECT_EQ(windows("stride = 4")->size(), 5);
  EXPECT_EQ(windows("stride = 3")->size(), 7);
  const Batch batch = read(*windows("stride = 9"));
  EXPECT_TRUE(batch.fields[0].equal(
      at::tensor({100, 101, 102, 103, 109, 110, 111, 112, 118, 119, 120, 121}, at::kLong).view({3, 4})));
  EXPECT_TRUE(batch.target().equal(batch.fields[0] + 1));
  EXPECT_THAT(error_of([&] { read(*windows("vocabulary = 120")); }, ExitStatus::bad_data),
              HasSubstr("token 20: expected one from 0 to 119, as the option vocabulary has it, found 120"));
  EXPECT_THAT(error_of([&] { open("tokens", "a.bin", "context = 23"); }, ExitStatus::bad_data),
              HasSubstr("found 23 tokens"));
}

TEST_F(FileDatasetTest, NamesOfFieldsMayHaveAnyCharacters) {
  write_bytes(folder_.path() / "a.csv", text_bytes("size,house class,\"a.b \"\"c\"\"\"\n1,2,3\n4,5,6\n"));
  const auto table =
      open("csv", "a.csv", "target = 'house class', cast.\"house class\" = 'int64'", "test_path = 'a.csv'");
  EXPECT_TRUE(read(*table).target().equal(at::tensor({2, 5}, at::kLong)));
  const std::string name = R"('a.b "c"')";
  const auto quotes = open("csv", "a.csv", "target = " + name + ", cast." + name + " = 'int64'", "test_path = 'a.csv'");
  EXPECT_TRUE(read(*quotes).target().equal(at::tensor({3, 6}, at::kLong)));
}

TEST_F(FileDatasetTest, ATableKeepsTheOrderOfItsInputsAndHasNoTwoFieldsOfOneName) {
  write_bytes(folder_.path() / "a.csv", text_bytes("a,input,b\n1,2,3\n4,5,6\n"));
  const auto table = open("csv", "a.csv", "inputs = ['b', 'input', 'a'], target = ''", "test_path = 'a.csv'");
  EXPECT_TRUE(read(*table).fields[0].equal(at::tensor({3.0F, 2.0F, 1.0F, 6.0F, 5.0F, 4.0F}).view({2, 3})));
  EXPECT_THAT(error_of([&] { open("csv", "a.csv", "target = 'input'"); }, ExitStatus::bad_configuration),
              HasSubstr("give the column of the target another name"));
}

TEST_F(FileDatasetTest, RowNumbersOfPandasAreNoInputs) {
  write_bytes(folder_.path() / "a.csv", text_bytes(",a,b,y\n0,1,2,3\n1,4,5,6\n"));
  const auto table = open("csv", "a.csv", "", "test_path = 'a.csv'");
  EXPECT_TRUE(read(*table).fields[0].equal(at::tensor({1.0F, 2.0F, 4.0F, 5.0F}).view({2, 2})));
  EXPECT_EQ(open("csv", "a.csv", "inputs = ['', 'a']")->fields()[0].shape, std::vector<std::int64_t>{2});
}

TEST_F(FileDatasetTest, FingerprintsFollowTheBytes) {
  const auto fingerprint = [&] { return open("npy", ".", "target = ''", "test_path = '.'")->fingerprint(); };
  write<float>("x", "'<f4'", "(2,)", {1, 2});
  const std::string first = fingerprint();
  EXPECT_THAT(first, HasSubstr(" bytes sha256 "));
  EXPECT_EQ(fingerprint(), first);
  write<float>("x", "'<f4'", "(2,)", {1, 3});
  EXPECT_NE(fingerprint(), first);
}

}  // namespace
}  // namespace runnel::test
