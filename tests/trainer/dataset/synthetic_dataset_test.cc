// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/synthetic_dataset.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/config/config.h"
#include "trainer/dataset/batch_builder.h"
#include "trainer/run/registry.h"

namespace runnel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Dataset> synthetic(const std::string& options, Split split = Split::train) {
  return Registry().make_dataset(
      parse_config("[data]\nname = \"synthetic\"\noptions = { " + options + " }", "test.toml"), split);
}

Batch read(const Dataset& data, const std::vector<std::uint32_t>& samples) {
  BatchBuilder builder(data, samples.size(), c10::DeviceType::CPU);
  Batch batch = builder.build({.samples = samples});
  for (at::Tensor& field : batch.fields) field = field.clone();
  return batch;
}

Batch read_first(const Dataset& data, std::uint32_t count) {
  std::vector<std::uint32_t> samples(count);
  std::iota(samples.begin(), samples.end(), 0U);
  return read(data, samples);
}

const std::array<const char*, 3> kKinds = {"kind = 'classes', shape = [2, 5]", "kind = 'tokens', context = 9",
                                           "kind = 'regression', outputs = 2"};

TEST(SyntheticDataset, HasTheFieldsOfItsKind) {
  const auto images = synthetic("");
  EXPECT_EQ(images->size(), 50'000);
  EXPECT_EQ(images->fields()[0].name, "image");
  EXPECT_THAT(images->fields()[0].shape, ElementsAre(3, 32, 32));
  EXPECT_EQ(images->fields()[1].name, "label");
  EXPECT_THAT(images->fields()[1].shape, ElementsAre());
  const auto tokens = synthetic("kind = 'tokens'", Split::test);
  EXPECT_EQ(tokens->size(), 10'000);
  EXPECT_EQ(tokens->fields()[0].name, "tokens");
  EXPECT_EQ(tokens->fields()[1].name, "next");
  for (const Dataset::Field& field : tokens->fields()) {
    EXPECT_EQ(field.type, at::kLong);
    EXPECT_THAT(field.shape, ElementsAre(128));
  }
  const auto regression = synthetic("kind = 'regression', shape = [4, 2], outputs = 3, samples = 7");
  EXPECT_EQ(regression->size(), 7);
  EXPECT_THAT(regression->fields()[0].shape, ElementsAre(4, 2));
  EXPECT_THAT(regression->fields()[1].shape, ElementsAre(3));
}

TEST(SyntheticDataset, ASampleDependsOnItsIndexAlone) {
  for (const char* kind : kKinds) {
    const auto data = synthetic(kind);
    const Batch some = read(*data, {7, 49'999, 3, 7});
    const Batch one = read(*data, {7});
    for (std::size_t field = 0; field < 2; ++field) {
      EXPECT_TRUE(some.fields[field][0].equal(one.fields[field][0])) << kind;
      EXPECT_TRUE(some.fields[field][3].equal(one.fields[field][0])) << kind;
    }
    EXPECT_FALSE(some.fields[0][0].equal(some.fields[0][2])) << kind;
  }
}

TEST(SyntheticDataset, SplitsAndSeedsHaveOtherSamples) {
  for (const std::string kind : kKinds) {
    const at::Tensor train = read(*synthetic(kind), {0}).fields[0];
    EXPECT_TRUE(train.equal(read(*synthetic(kind + ", seed = 1, samples = 5"), {0}).fields[0])) << kind;
    EXPECT_FALSE(train.equal(read(*synthetic(kind, Split::test), {0}).fields[0])) << kind;
    EXPECT_FALSE(train.equal(read(*synthetic(kind + ", seed = 2"), {0}).fields[0])) << kind;
  }
}

/// Computed apart from this code, in Python's whole numbers; every machine must give these bits.
TEST(SyntheticDataset, HasTheseValuesOnEveryMachine) {
  const Batch classes = read(*synthetic("shape = [16]"), {5});
  EXPECT_EQ(classes.target().item<std::int64_t>(), 1);
  EXPECT_TRUE(
      (classes.fields[0][0].narrow(0, 6, 4) * 32768).equal(at::tensor({-108265.F, -36708.F, 34292.F, 51943.F})));
  const Batch tokens = read(*synthetic("kind = 'tokens', vocabulary = 10, context = 8", Split::test), {5});
  EXPECT_TRUE(tokens.fields[0][0].equal(at::tensor({0, 9, 4, 1, 9, 4, 1, 9}, at::kLong)));
  EXPECT_TRUE(tokens.target()[0].equal(at::tensor({9, 4, 1, 9, 4, 1, 9, 7}, at::kLong)));
  const Batch regression = read(*synthetic("kind = 'regression', shape = [3], outputs = 2"), {5});
  EXPECT_TRUE((regression.fields[0][0] * 32768).equal(at::tensor({-20785.F, 23261.F, -8117.F})));
  EXPECT_TRUE(regression.target()[0].equal(at::tensor({-0.1900283247232437F, 0.5501144365407526F})));
}

std::map<std::int64_t, at::Tensor> means_by_class(const Batch& batch) {
  std::map<std::int64_t, at::Tensor> means;
  for (std::int64_t label = 0; label < 3; ++label) {
    means[label] = batch.fields[0].index({batch.target().eq(label)}).mean(0);
  }
  return means;
}

TEST(SyntheticDataset, ClassesHaveAPatternThatBothSplitsShare) {
  const std::string options = "classes = 3, shape = [16]";
  const Batch train = read_first(*synthetic(options), 6000);
  const Batch test = read_first(*synthetic(options, Split::test), 6000);
  EXPECT_LT(train.fields[0].abs().max().item<float>(), 5);
  EXPECT_EQ(train.target().min().item<std::int64_t>(), 0);
  EXPECT_EQ(train.target().max().item<std::int64_t>(), 2);
  auto means = means_by_class(train);
  for (const auto& [label, mean] : means_by_class(test)) {
    const double tolerance = 6 * 1.155 * std::sqrt(2 / 2000.0);  // six deviations of the difference of two means
    EXPECT_LT((mean - means[label]).abs().max().item<double>(), tolerance);
    EXPECT_GT((mean - means[(label + 1) % 3]).abs().max().item<double>(), tolerance);
  }
}

TEST(SyntheticDataset, TokensFollowTheirSuccessorsInSevenOfEightCases) {
  const std::string options = "kind = 'tokens', vocabulary = 10, context = 50";
  std::map<std::int64_t, std::map<std::int64_t, int>> followers;
  for (const Split split : {Split::train, Split::test}) {
    const Batch batch = read_first(*synthetic(options, split), 200);
    const at::Tensor tokens = batch.fields[0];
    EXPECT_TRUE(tokens.narrow(1, 1, 49).equal(batch.target().narrow(1, 0, 49)));
    const auto* token = tokens.const_data_ptr<std::int64_t>();
    const auto* next = batch.target().const_data_ptr<std::int64_t>();
    for (int i = 0; i < 200 * 50; ++i) ++followers[token[i]][next[i]];
  }
  ASSERT_EQ(followers.size(), 10U);
  std::set<std::int64_t> successors;
  for (const auto& [token, counts] : followers) {
    const auto most = std::ranges::max_element(counts, {}, [](const auto& count) { return count.second; });
    int total = 0;
    for (const auto& [next, count] : counts) total += count;
    EXPECT_NEAR(static_cast<double>(most->second) / total, 7 / 8.0 + 1 / 80.0, 0.05) << token;
    successors.insert(most->first);
  }
  EXPECT_EQ(successors.size(), 10U);
  EXPECT_EQ(*successors.begin(), 0);
  EXPECT_EQ(*successors.rbegin(), 9);
}

TEST(SyntheticDataset, TargetsAreALinearFunctionPlusNoise) {
  const std::string options = "kind = 'regression', shape = [2, 4], outputs = 2";
  const Batch train = read_first(*synthetic(options), 4000);
  const Batch test = read_first(*synthetic(options, Split::test), 4000);
  EXPECT_LE(train.fields[0].abs().max().item<float>(), 1);
  // Inputs are independent, with mean 0 and variance 1/3: the weights are three times the mean of input * target.
  const at::Tensor weights = train.fields[0].flatten(1).t().mm(train.target()) * 3 / 4000;
  const at::Tensor left = test.target() - test.fields[0].flatten(1).mm(weights);
  const double noise = 1.155 / 16;
  EXPECT_NEAR(left.std().item<double>(), noise, 0.2 * noise);
  EXPECT_GT(test.target().std().item<double>(), 2 * noise);
}

std::string refusal_of(const std::string& options) {
  try {
    synthetic(options);
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), ExitStatus::bad_configuration);
    return error.what();
  }
  return "accepted";
}

TEST(SyntheticDataset, RefusesOptionsThatAreWrong) {
  EXPECT_THAT(refusal_of("kind = 'images'"), HasSubstr("key 'data.options.kind': expected one of"));
  EXPECT_THAT(refusal_of("samples = 0"), HasSubstr("key 'data.options.samples': expected an integer from 1 to"));
  EXPECT_THAT(refusal_of("shape = [65536, 65536]"), HasSubstr("key 'data.options.shape': expected at most 2^28"));
  EXPECT_THAT(refusal_of("shape = [3, 0]"), HasSubstr("key 'data.options.shape'"));
  EXPECT_THAT(refusal_of("context = 8"), HasSubstr("key 'data.options.context'"));
  EXPECT_THAT(refusal_of("kind = 'tokens', vocabulary = 1"), HasSubstr("key 'data.options.vocabulary'"));
  EXPECT_THAT(refusal_of("kind = 'tokens', classes = 2"), HasSubstr("no such option"));
  EXPECT_THAT(refusal_of("kind = 'regression', outputs = 0"), HasSubstr("key 'data.options.outputs'"));
}

}  // namespace
}  // namespace runnel
