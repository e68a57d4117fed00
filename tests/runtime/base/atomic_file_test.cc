// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFileTest() { fs::create_directory(folder_); }
  ~AtomicFileTest() override { fs::remove_all(folder_); }

  static std::string contents(const fs::path& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  static void replace(const fs::path& file, std::string_view text) {
    AtomicFile replacement(file);
    replacement.append(bytes_of(text));
    replacement.publish_durably();
  }

  fs::path folder_ = fs::temp_directory_path() / ("runnel-atomic-" + std::to_string(getpid()));
  fs::path file_ = folder_ / "file";
};

TEST_F(AtomicFileTest, HoldsTheOldContentsUntilItIsPublished) {
  std::ofstream(file_) << "old";
  AtomicFile replacement(file_);
  replacement.append(bytes_of("new "));
  replacement.append(bytes_of("contents"));
  EXPECT_EQ(contents(file_), "old");
  replacement.publish();
  EXPECT_EQ(contents(file_), "new contents");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, LeavesNothingWithoutBeingPublished) {
  { AtomicFile(file_).append(bytes_of("new")); }
  require_writable(file_);
  EXPECT_EQ(files(), 0U);
}

TEST_F(AtomicFileTest, LeavesNothingInAProcessThatIsKilled) {
  const int unnamed = open(folder_.c_str(), O_WRONLY | O_TMPFILE, 0600);
  if (unnamed < 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: " << folder_ << " has no files without a name";
  close(unnamed);
  const pid_t child = fork();
  if (child == 0) {
    AtomicFile replacement(file_);
    replacement.append(bytes_of("new"));
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(files(), 0U);
}

TEST_F(AtomicFileTest, TakesThePlaceOfWhatASymbolicLinkLeadsTo) {
  fs::create_symlink("target", file_);  // relative to the link, and not there yet
  replace(file_, "one");
  replace(file_, "two");
  EXPECT_TRUE(fs::is_symlink(file_));
  EXPECT_EQ(contents(folder_ / "target"), "two");
  EXPECT_EQ(files(), 2U);
}

TEST_F(AtomicFileTest, TakesThePlaceOfALeftTemporaryFile) {
  std::ofstream(file_.string() + "." + std::to_string(getpid()) + ".tmp") << "left";
  replace(file_, "new");
  EXPECT_EQ(contents(file_), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(AtomicFileTest, HasThePermissionsThatTheUserWants) {
  const mode_t before = umask(027);
  replace(file_, "new");
  umask(before);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, RefusesWhatCannotBeMade) {
  fs::create_symlink(folder_ / "b", folder_ / "a");
  fs::create_symlink(folder_ / "a", folder_ / "b");
  for (const fs::path& file : {folder_ / "missing" / "file", folder_, folder_ / std::string(300, 'n'), folder_ / "a"}) {
    try {
      require_writable(file);
      ADD_FAILURE() << file << " can be made";
    } catch (const WriteError& error) {
      EXPECT_EQ(error.status(), ExitStatus::cannot_create) << error.what();
    }
  }
}

}  // namespace
}  // namespace runnel
