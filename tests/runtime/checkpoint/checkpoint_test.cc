// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <regex>
#include <string>
#include <vector>

#include "runtime/base/random.h"
#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_export.h"
#include "runtime/checkpoint/checkpoint_list.h"
#include "runtime/checkpoint/checkpoint_writer.h"
#include "runtime/checkpoint/manifest_comparison.h"
#include "tests/runtime/checkpoint/sample_checkpoint.h"
#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using test::SampleModel;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::span<const float> part(const std::vector<float>& values, ByteRange range) {
  return std::span(values).subspan(range.begin / sizeof(float), range.size() / sizeof(float));
}

class CheckpointTest : public testing::Test {
 protected:
  static void expect_error(ExitStatus status, const std::function<void()>& action,
                           const testing::Matcher<std::string>& text) {
    try {
      action();
      ADD_FAILURE() << "no error";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), status) << error.what();
      EXPECT_THAT(error.what(), text);
    }
  }

  test::TemporaryFolder temporary_;
  fs::path directory_ = temporary_.path();
  SampleModel model_{7};
};

TEST_F(CheckpointTest, GivesBackEveryRangeHoweverManyShardsThereAre) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  for (const std::size_t shards : {1, 2, 3, 5}) {
    const Checkpoint checkpoint(model_.write(directory_, static_cast<std::int64_t>(shards), shards));
    checkpoint.verify();
    const auto step = checkpoint.manifest().step;
    const std::size_t floats = model_.layout(1).float_count();
    for (int round = 0; round < 50; ++round) {
      const std::size_t a = random.below(static_cast<std::uint32_t>(floats + 1));
      const std::size_t b = random.below(static_cast<std::uint32_t>(floats + 1));
      const ByteRange range{std::min(a, b) * sizeof(float), std::max(a, b) * sizeof(float)};
      std::vector<float> found(range.size() / sizeof(float), -1.0F);
      checkpoint.read_parameters(range, found);
      EXPECT_TRUE(std::ranges::equal(found, part(model_.values(step, 0), range)));
      for (const std::size_t state : {0, 1}) {
        checkpoint.read_state(state, range, found);
        EXPECT_TRUE(std::ranges::equal(found, part(model_.values(step, state + 1), range)));
      }
    }
    const StoredTensor* other = checkpoint.other("bn.num_batches_tracked");
    ASSERT_NE(other, nullptr);
    const std::vector<std::uint8_t> expected = model_.other(step);
    EXPECT_TRUE(std::ranges::equal(other->bytes, std::as_bytes(std::span(expected))));
    EXPECT_EQ(checkpoint.other("fc1.bias"), nullptr);
  }
}

TEST_F(CheckpointTest, SaysWhatItIs) {
  const Checkpoint checkpoint(model_.write(directory_, 400, 2));
  const Manifest& found = checkpoint.manifest();
  Manifest expected = model_.manifest();
  EXPECT_EQ(found.step, 400);
  EXPECT_TRUE(std::regex_match(found.date, std::regex(R"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ)"))) << found.date;
  EXPECT_EQ(found.seats, expected.seats);
  EXPECT_EQ(found.trainers, expected.trainers);
  EXPECT_EQ(found.tensors, expected.tensors);
  EXPECT_EQ(found.optimizer, expected.optimizer);
  EXPECT_EQ(found.states, expected.states);
  EXPECT_EQ(found.fixed_settings, expected.fixed_settings);
  EXPECT_EQ(found.free_settings, expected.free_settings);
  EXPECT_EQ(found.data, expected.data);
  EXPECT_EQ(found.account, expected.account);
  EXPECT_EQ(found.shards.size(), 2U);
  std::uint64_t bytes = 0;
  for (const auto& file : fs::directory_iterator(checkpoint.folder())) bytes += file.file_size();
  EXPECT_EQ(checkpoint.bytes(), bytes);
  std::uint64_t last = 0;
  checkpoint.verify([&](std::uint64_t done, std::uint64_t of) {
    EXPECT_LE(last, done);
    EXPECT_EQ(of, bytes);
    last = done;
  });
  EXPECT_EQ(last, bytes);
}

TEST_F(CheckpointTest, ExportsTheModelUnderAllOfItsNames) {
  for (const std::size_t shards : {1, 3}) {
    const Checkpoint checkpoint(model_.write(directory_, static_cast<std::int64_t>(shards), shards));
    const fs::path file = directory_ / "weights.safetensors";
    export_weights(checkpoint, file);
    const SafetensorsFile exported(file);
    std::size_t names = 0;
    auto place = checkpoint.places().begin();
    for (const CheckpointTensor& tensor : model_.manifest().tensors) {
      const std::vector<float> values = model_.values(checkpoint.manifest().step, 0);
      const std::vector<std::uint8_t> other = model_.other(checkpoint.manifest().step);
      const auto expected =
          tensor.rule ? std::as_bytes(part(values, (place++)->bytes)) : std::as_bytes(std::span(other));
      for (const std::string& name : tensor.names) {
        ++names;
        const StoredTensor* found = exported.find(name);
        ASSERT_NE(found, nullptr) << name;
        EXPECT_EQ(found->shape, tensor.shape);
        EXPECT_TRUE(std::ranges::equal(found->bytes, expected)) << name;
      }
    }
    EXPECT_EQ(exported.tensors().size(), names);
  }
}

TEST_F(CheckpointTest, AShardOfAnotherRunIsNotThere) {
  model_.write_shard(directory_, 3, 0, 2, "an interrupted run");
  const BucketLayout layout = model_.layout(2);
  const CheckpointWriter writer(directory_, 3, "this run", layout);
  EXPECT_FALSE(writer.find_shard(0));
  EXPECT_FALSE(writer.find_shard(1));
  expect_error(
      ExitStatus::internal, [&] { writer.write_manifest(model_.manifest()); }, HasSubstr("shard-0-of-2"));
  model_.write_shard(directory_, 3, 0, 2, "this run");
  EXPECT_TRUE(writer.find_shard(0));
  EXPECT_THAT(list_checkpoints(directory_).front().problem, HasSubstr("was not finished"));
  model_.write_shard(directory_, 3, 1, 2, "this run");
  writer.write_manifest(model_.manifest());
  Checkpoint(writer.folder()).verify();
}

TEST_F(CheckpointTest, RefusesTwoTensorsOfOneName) {
  const BucketLayout layout({{"a", {4}}, {"optimizer.0.a", {4}}}, kBlockBytes);
  const std::vector<float> values(8);
  const CheckpointWriter writer(directory_, 1, "run", layout);
  expect_error(
      ExitStatus::bad_configuration,
      [&] { writer.write_shard(0, {.parameters = values, .states = {values}, .others = {}}); },
      HasSubstr("two tensors of the name \"optimizer.0.a#0:4\""));
}

TEST_F(CheckpointTest, TheNewestGoodOneIsFoundBehindDamagedOnes) {
  for (const std::int64_t step : {9, 10, 100}) model_.write(directory_, step, 2);
  fs::create_directory(directory_ / "step-200");
  fs::create_directory(directory_ / "step-0300");  // not as it is written
  std::ofstream(directory_ / "step-400") << "a file";
  fs::resize_file(directory_ / "step-100" / "shard-1-of-2.safetensors", 1000);
  const NewestGood newest = newest_good(directory_);
  ASSERT_TRUE(newest.checkpoint);
  EXPECT_EQ(newest.checkpoint->manifest().step, 10);
  EXPECT_THAT(newest.problems,
              ElementsAre(HasSubstr("step-200: has no manifest.json"),
                          AllOf(HasSubstr("shard-1-of-2.safetensors: expected "), HasSubstr("found 1000"))));
  EXPECT_FALSE(newest_good(directory_ / "none").checkpoint);
}

TEST_F(CheckpointTest, AFolderThatWasRenamedIsNotTheStepOfItsName) {
  fs::rename(model_.write(directory_, 9, 1), directory_ / "step-8");
  EXPECT_THAT(list_checkpoints(directory_).front().problem, HasSubstr("its manifest is of step 9"));
  fs::rename(directory_ / "step-8", directory_ / "best");
  EXPECT_EQ(Checkpoint(directory_ / "best").manifest().step, 9);
}

TEST_F(CheckpointTest, IsNamedWhereItIsMissing) {
  expect_error(
      ExitStatus::input_missing, [&] { Checkpoint(directory_ / "none"); }, HasSubstr("none"));
  expect_error(
      ExitStatus::input_missing, [&] { list_checkpoints(directory_ / "none"); }, HasSubstr("none"));
  fs::create_directory(directory_ / "empty");
  expect_error(
      ExitStatus::bad_data, [&] { Checkpoint(directory_ / "empty"); }, HasSubstr("no manifest.json"));
}

TEST_F(CheckpointTest, AFormatFromTheFutureIsRefused) {
  const fs::path file = model_.write(directory_, 5, 1) / kManifestName;
  const test::Bytes bytes = test::read_bytes(file);
  const std::string text = std::regex_replace(std::string(bytes.begin(), bytes.end()),
                                              std::regex("\"format_version\": 1"), "\"format_version\": 2");
  test::write_bytes(file, {text.begin(), text.end()});
  expect_error(
      ExitStatus::bad_data, [&] { Checkpoint(file.parent_path()); },
      AllOf(HasSubstr(file.string()), HasSubstr("has format 2 and this program knows formats up to 1")));
}

TEST_F(CheckpointTest, TheManifestIsRefusedWithAnObjectThatIsSlowToRead) {
  const fs::path file = model_.write(directory_, 5, 1) / kManifestName;
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) text += '"' + std::to_string(i) + "\":1,";
  text.back() = '}';
  test::write_bytes(file, {text.begin(), text.end()});
  expect_error(
      ExitStatus::bad_data, [&] { Checkpoint(file.parent_path()); }, HasSubstr("too much of it"));
}

class ComparisonTest : public CheckpointTest {
 protected:
  void expect_refused(ExitStatus status, const std::string& text) const {
    expect_error(
        status, [&] { require_same_run("ckpt/step-4", model_.manifest(), mine_); },
        AllOf(HasSubstr("ckpt/step-4: "), HasSubstr(text)));
  }

  Manifest mine_ = model_.manifest();
};

TEST_F(ComparisonTest, ListsWhatMayDiffer) {
  EXPECT_TRUE(require_same_run("ckpt", model_.manifest(), mine_).empty());
  mine_.trainers = 1;
  mine_.step = 17;
  mine_.free_settings["optimizer.lr"] = "0.2";
  mine_.free_settings["run.max_epochs"] = "3";
  EXPECT_THAT(require_same_run("ckpt", model_.manifest(), mine_),
              ElementsAre("optimizer.lr: 0.2, was 0.1", "run.max_epochs: 3, was nothing"));
}

TEST_F(ComparisonTest, RefusesAnotherModel) {
  mine_.tensors[1].shape = {7, 901};
  expect_refused(ExitStatus::bad_data,
                 "tensor \"embedding.weight\" = \"head.weight\": the checkpoint has float32[7,900], this run has "
                 "float32[7,901]");
  mine_ = model_.manifest();
  mine_.tensors[2].names = {"fc2.bias"};
  expect_refused(ExitStatus::bad_data,
                 "tensor 3 of the model: the checkpoint has \"fc1.bias\" float32[3], this run has \"fc2.bias\"");
  mine_ = model_.manifest();
  mine_.tensors.pop_back();
  expect_refused(ExitStatus::bad_data, "int64[], not exchanged, this run has none");
  mine_ = model_.manifest();
  mine_.tensors[3].rule = TensorRule::optimize;
  expect_refused(ExitStatus::bad_data, "the checkpoint has float32[5000], averaged, this run has float32[5000]");
}

TEST_F(ComparisonTest, RefusesAnotherMeaningOfTheRun) {
  mine_.data = "50000 samples";
  expect_refused(ExitStatus::bad_data,
                 "data: the checkpoint has 60000 samples, sha256 0f1e, this run has 50000 samples");
  mine_ = model_.manifest();
  mine_.optimizer = "sgd";
  mine_.states = {};
  expect_refused(ExitStatus::bad_configuration, "the checkpoint has adam (mean, variance), this run has sgd ()");
  mine_ = model_.manifest();
  mine_.seats = 8;
  expect_refused(ExitStatus::bad_configuration, "seats: the checkpoint has 4, this run has 8");
  mine_ = model_.manifest();
  mine_.fixed_settings["run.seed"] = "2";
  expect_refused(ExitStatus::bad_configuration, "run.seed: the checkpoint has 1, this run has 2");
}

}  // namespace
}  // namespace runnel
