// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/checkpoint/checkpoint_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/base/run_error.h"
#include "runtime/checkpoint/checkpoint_list.h"
#include "runtime/checkpoint/checkpoint_writer.h"
#include "tests/runtime/checkpoint/sample_checkpoint.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_shared_memory.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using test::SampleModel;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void expect_error(ExitStatus status, const std::string& file, const std::function<void()>& action) {
  try {
    action();
    ADD_FAILURE() << "no error";
  } catch (const RunError& error) {
    EXPECT_EQ(error.status(), status) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(file));
  }
}

class CheckpointFolderTest : public testing::Test {
 protected:
  /// What is in the folder and in the folders in it.
  std::set<std::string> contents() const {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(directory_)) {
      names.insert(entry.path().lexically_relative(directory_).string());
    }
    return names;
  }

  std::set<std::string> steps() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.is_directory()) names.insert(entry.path().filename().string());
    }
    return names;
  }

  test::TemporaryFolder temporary_;
  fs::path directory_ = temporary_.path() / "new" / "ckpt";
  SampleModel model_{3};
};

TEST_F(CheckpointFolderTest, IsOneRunsAtATime) {
  std::optional<CheckpointFolder> first(directory_);
  expect_error(ExitStatus::in_use, "process " + std::to_string(getpid()), [&] { CheckpointFolder{directory_}; });
  expect_error(ExitStatus::in_use, directory_.string() + ": another run", [&] { CheckpointFolder{directory_}; });
  first.reset();
  const CheckpointFolder second(directory_);
}

TEST_F(CheckpointFolderTest, KeepsTheLastOnes) {
  const CheckpointFolder folder(directory_);
  for (const std::int64_t step : {2, 10, 11, 12, 40}) model_.write(directory_, step, 2);
  folder.retain(2, 12);
  EXPECT_THAT(steps(), ElementsAre("step-11", "step-12", "step-40"));
  EXPECT_TRUE(folder.has(11));
  EXPECT_FALSE(folder.has(10));
  folder.retain(1, 40);
  EXPECT_THAT(contents(), ElementsAre("lock", "step-40", "step-40/manifest.json", "step-40/shard-0-of-2.safetensors",
                                      "step-40/shard-1-of-2.safetensors"));
}

TEST_F(CheckpointFolderTest, RemovesWhatInterruptedWritingLeft) {
  const CheckpointFolder folder(directory_);
  model_.write_shard(directory_, 3, 1, 2, "killed");
  std::ofstream(directory_ / "step-3" / "runnel-0123456789abcdef.tmp") << "half";
  model_.write_shard(directory_, 9, 0, 3, "killed");
  std::ofstream(directory_ / "step-9" / "runnel-00112233445566ff.tmp") << "half";
  model_.write_shard(directory_, 12, 0, 3, "killed later");
  model_.write(directory_, 9, 2);
  folder.retain(3, 9);
  EXPECT_THAT(contents(),
              ElementsAre("lock", "step-12", "step-12/shard-0-of-3.safetensors", "step-9", "step-9/manifest.json",
                          "step-9/shard-0-of-2.safetensors", "step-9/shard-1-of-2.safetensors"));
}

TEST_F(CheckpointFolderTest, RemovesNothingThatItDidNotWrite) {
  const CheckpointFolder folder(directory_);
  for (const std::int64_t step : {1, 2, 3, 4, 5}) model_.write(directory_, step, 1);
  fs::resize_file(directory_ / "step-1" / "shard-0-of-1.safetensors", 50);  // damaged: perhaps of use to somebody
  std::ofstream(directory_ / "step-2" / "notes.txt") << "mine";
  fs::create_directories(directory_ / "step-0" / "data");
  std::ofstream(directory_ / "step-0" / "shard-0-of-1.safetensors") << "not a shard";
  std::ofstream(directory_ / "notes.txt") << "mine";
  fs::rename(directory_ / "step-3", temporary_.path() / "elsewhere");
  fs::create_directory_symlink(temporary_.path() / "elsewhere", directory_ / "step-3");
  folder.retain(1, 5);
  EXPECT_THAT(contents(),
              ElementsAre("lock", "notes.txt", "step-0", "step-0/data", "step-0/shard-0-of-1.safetensors", "step-1",
                          "step-1/manifest.json", "step-1/shard-0-of-1.safetensors", "step-2", "step-2/notes.txt",
                          "step-3", "step-5", "step-5/manifest.json", "step-5/shard-0-of-1.safetensors"));
  EXPECT_TRUE(fs::exists(temporary_.path() / "elsewhere" / "manifest.json"));
}

TEST_F(CheckpointFolderTest, OneThatWasRemovedIsReportedByTheNextWriting) {
  const CheckpointFolder folder(directory_);
  model_.write(directory_, 1, 1);
  fs::remove_all(directory_);
  expect_error(ExitStatus::cannot_create, directory_ / "step-2", [&] { model_.write(directory_, 2, 1); });
  EXPECT_FALSE(folder.has(1));
  folder.retain(1, 1);
  EXPECT_FALSE(fs::exists(directory_));
  fs::create_directories(directory_ / "step-2");
  const BucketLayout layout = model_.layout(1);
  const CheckpointWriter writer(directory_, 2, "a run", layout);
  model_.write_shard(directory_, 2, 0, 1, "a run");
  fs::remove_all(directory_ / "step-2");
  expect_error(ExitStatus::internal, "shard-0-of-1", [&] { writer.write_manifest(model_.manifest()); });
  expect_error(ExitStatus::cannot_create, "shard-0-of-1", [&] {
    const std::vector<float> zeros(layout.float_count());
    writer.write_shard(0, {.parameters = zeros, .states = {zeros, zeros}, .others = {}});
  });
}

class DiskTest : public CheckpointFolderTest {
 protected:
  void SetUp() override {
    if (!disk_.why_not().empty()) GTEST_SKIP() << "SKIPPED, NOT TESTED: no disk of a test's own: " << disk_.why_not();
    directory_ = "/dev/shm/ckpt";
  }

  test::TinySharedMemory disk_{1 << 20};
};

TEST_F(DiskTest, AFullOneLeavesTheOlderCheckpointsGood) {
  const CheckpointFolder folder(directory_);
  std::int64_t step = 1;
  const auto fill = [&] {
    for (; step < 10; ++step) model_.write(directory_, step, 2);
  };
  expect_error(ExitStatus::cannot_write, directory_ / "step-", fill);
  ASSERT_GT(step, 2);
  expect_error(ExitStatus::cannot_write, ".safetensors", [&] { model_.write(directory_, step, 2); });
  const NewestGood newest = newest_good(directory_);
  ASSERT_TRUE(newest.checkpoint);
  EXPECT_EQ(newest.checkpoint->manifest().step, step - 1);
  folder.retain(1, step - 1);
  model_.write(directory_, step, 2);
  EXPECT_EQ(newest_good(directory_).checkpoint->manifest().step, step);
}

TEST_F(DiskTest, OneThatCannotBeWrittenToIsNamed) {
  model_.write((fs::create_directory(directory_), directory_), 1, 1);
  ASSERT_EQ(mount("none", "/dev/shm", nullptr, MS_REMOUNT | MS_RDONLY, nullptr), 0);
  expect_error(ExitStatus::cannot_create, directory_ / "lock", [&] { CheckpointFolder{directory_}; });
  expect_error(ExitStatus::cannot_create, directory_ / "step-2", [&] { model_.write(directory_, 2, 1); });
  expect_error(ExitStatus::cannot_create, "shard-0-of-1", [&] { model_.write(directory_, 1, 1); });
  newest_good(directory_).checkpoint->verify();
}

}  // namespace
}  // namespace runnel
