// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <ATen/ops/max.h>
#include <ATen/ops/min.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/trainer/dataset/file_dataset_folder.h"

/// What of the files of a user is trained with, and what is tested with.
namespace runnel::test {
namespace {

using FileSplitsTest = FileDatasetFolder;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(FileSplitsTest, BothSplitsPartitionTheSamples) {
  std::vector<std::int64_t> numbers(101);
  std::iota(numbers.begin(), numbers.end(), 0);
  write<std::int64_t>("x", "'<i8'", "(101,)", numbers);
  std::set<std::vector<std::int64_t>> tests;
  for (const std::string seed : {"1", "2", "3"}) {
    const std::string keys = "test_fraction = 0.2\nsplit_seed = " + seed;
    std::vector<std::int64_t> all;
    for (const Split split : {Split::train, Split::test}) {
      const auto data = open("npy", ".", "target = ''", keys, split);
      EXPECT_EQ(data->size(), split == Split::train ? 81 : 20);
      EXPECT_EQ(open("npy", ".", "target = ''", keys, split, /*only_size=*/true)->size(), data->size());
      const at::Tensor values = read(*data).fields[0];
      const auto* first = values.const_data_ptr<std::int64_t>();
      all.insert(all.end(), first, first + values.numel());
      if (split == Split::test) tests.insert({first, first + values.numel()});
    }
    std::ranges::sort(all);
    EXPECT_EQ(all, numbers);
  }
  EXPECT_EQ(tests.size(), 3U);
}

TEST_F(FileSplitsTest, NeedsExactlyOneWayToTest) {
  write<float>("x", "'<f4'", "(4,)", {1, 2, 3, 4});
  write<float>("y", "'<f4'", "(4,)", {1, 2, 3, 4});
  const auto refusal = [&](const std::string& options, const std::string& keys) {
    return error_of([&] { open("npy", ".", options, keys); }, ExitStatus::bad_configuration);
  };
  EXPECT_THAT(refusal("", ""), HasSubstr("set data.test_fraction = 0.1, or data.test_path"));
  EXPECT_THAT(refusal("", "test_fraction = 0.5\ntest_path = '.'"), HasSubstr("test data are given more than once"));
  EXPECT_THAT(refusal("test_inputs = ['x'], test_target = 'y'", "test_fraction = 0.5"), HasSubstr("more than once"));
  EXPECT_THAT(refusal("test_inputs = ['x']", ""), HasSubstr("test_target as well"));
  EXPECT_THAT(refusal("", "test_fraction = 0.01"), HasSubstr("of 4 samples it takes 0 to test with"));
  EXPECT_THAT(error_of([&] { open("mnist", ".", ""); }, ExitStatus::bad_configuration),
              HasSubstr("'mnist' has test data of its own"));
}

TEST_F(FileSplitsTest, ALastPartOfATextIsTestedThatSharesNoTokenWithTheTraining) {
  std::vector<std::uint16_t> tokens(103);
  std::iota(tokens.begin(), tokens.end(), 0);
  write_bytes(folder_.path() / "a.bin", number_bytes<std::uint16_t>(tokens));
  for (const int stride : {1, 2, 3, 4, 5, 9}) {
    const std::string options = "context = 4, stride = " + std::to_string(stride);
    const auto train = open("tokens", "a.bin", options, "test_fraction = 0.2"),
               test = open("tokens", "a.bin", options, "test_fraction = 0.2", Split::test);
    EXPECT_EQ(open("tokens", "a.bin", options, "test_fraction = 0.2", Split::train, /*only_size=*/true)->size(),
              train->size());
    EXPECT_EQ(test->size() + train->size() + 4 / stride, (103 - 5) / stride + 1) << stride;
    EXPECT_LT(read(*train).target().max().item<std::int64_t>(), read(*test).fields[0].min().item<std::int64_t>());
    EXPECT_GT(read(*test).target().max().item<std::int64_t>(), 102 - stride);
  }
  EXPECT_THAT(error_of([&] { open("tokens", "a.bin", "context = 100, stride = 1", "test_fraction = 0.4"); },
                       ExitStatus::bad_configuration),
              HasSubstr("leaves out 100 before them"));
}

TEST_F(FileSplitsTest, RefusesTestDataOfAnotherScaleOrShape) {
  write<std::uint8_t>("x", "'|u1'", "(2, 2)", {0, 255, 51, 1});
  write<std::int64_t>("y", "'<i8'", "(2,)", {0, 1});
  const std::string names = "inputs = ['x'], target = 'y', test_inputs = ['tx'], test_target = 'ty'";
  const auto refusal = [&](Split split, const std::string& more = "") {
    return error_of([&] { open("npy", ".", names + more, "", split); }, ExitStatus::bad_data);
  };
  write<std::uint8_t>("ty", "'|u1'", "(2,)", {0, 1});
  write<std::uint8_t>("tx", "'|u1'", "(2, 2)", {0, 255, 51, 1});
  EXPECT_NO_THROW(open("npy", ".", names, "")) << "labels of other integers are the same numbers";
  write<float>("tx", "'<f4'", "(2, 2)", {0, 255, 51, 1});
  for (const Split split : {Split::train, Split::test}) {
    EXPECT_THAT(refusal(split), AllOf(HasSubstr("array \"tx\": expected samples as in " + folder_.path().string()),
                                      HasSubstr("uint8 [2] as float32, divided by 255, found float32 [2] as float32")));
  }
  EXPECT_NO_THROW(open("npy", ".", names + ", cast.x = 'float32'", "")) << "neither is divided";
  write<std::uint8_t>("tx", "'|u1'", "(2, 1, 2)", {0, 255, 51, 1});
  EXPECT_THAT(refusal(Split::test), HasSubstr("found uint8 [1, 2]"));
  EXPECT_NO_THROW(open("npy", ".", names + ", shape.x = [2]", ""));
}

TEST_F(FileSplitsTest, BothPartsOfAFileAreReadOnce) {
  const auto path = folder_.path() / "a.csv";
  write_bytes(path, text_bytes("a,y\n1,1\n2,2\n"));
  const Registry registry;
  const Config config = parse_config("[data]\nname = 'csv'\npath = 'a.csv'\ntest_fraction = 0.5", folder_.path() / "f");
  const auto train = registry.make_dataset(config, Split::train);
  write_bytes(path, text_bytes("a,y\n9,9\n9,9\n"));
  const auto test = registry.make_dataset(config, Split::test);
  EXPECT_EQ(read(*train).target().item<float>() + read(*test).target().item<float>(), 3);
}

}  // namespace
}  // namespace runnel::test
