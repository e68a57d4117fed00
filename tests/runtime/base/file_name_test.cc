// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/file_name.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

class FileNameTest : public testing::Test {
 protected:
  FileNameTest() {
    fs::create_directories(path("far/away"));
    fs::create_directory_symlink(path("far/away"), path("link"));
  }

  fs::path path(const char* name) const { return folder_.path() / name; }

  test::TemporaryFolder folder_;
};

TEST_F(FileNameTest, WithoutDotsNamesTheSameFile) {
  EXPECT_EQ(without_dots(path("far/away/../out")), path("far/out"));
  EXPECT_EQ(without_dots(path("./far/./away/../../out")), path("out"));
  EXPECT_EQ(without_dots("../a/../../b"), "../../b");
  EXPECT_EQ(without_dots("./out"), "out");
  EXPECT_EQ(without_dots("."), ".");
  EXPECT_EQ(without_dots(path("far/")), path("far/"));
}

TEST_F(FileNameTest, DotsBehindALinkLeadToTheFolderThatHoldsItsTarget) {
  const fs::path name = path("link/../out");
  EXPECT_EQ(without_dots(name), name);
  EXPECT_EQ(without_dots(path("link/../away/../out")), path("link/../out"));
  std::ofstream(without_dots(name)) << "text";
  EXPECT_TRUE(fs::exists(path("far/out")));
  EXPECT_FALSE(fs::exists(path("out")));
}

TEST_F(FileNameTest, SameFileIsSeenThroughLinks) {
  fs::create_symlink("out", path("to_out"));  // neither is there yet
  fs::create_symlink("far/away/out", path("to_far"));
  EXPECT_TRUE(name_same_file(path("out"), path("to_out")));
  EXPECT_TRUE(name_same_file(path("to_far"), path("link/out")));
  EXPECT_TRUE(name_same_file(path("link/../out"), path("far/out")));
  EXPECT_FALSE(name_same_file(path("out"), path("link/out")));
  EXPECT_FALSE(name_same_file(path("out"), path("other")));
  EXPECT_FALSE(name_same_file(path("missing/out"), path("out")));
}

TEST_F(FileNameTest, HardLinksAreDifferentFiles) {
  std::ofstream(path("out")) << "text";
  fs::create_hard_link(path("out"), path("hard"));
  EXPECT_FALSE(name_same_file(path("out"), path("hard")));
}

TEST_F(FileNameTest, ALoopOfLinksStaysALink) {
  fs::create_symlink(path("b"), path("a"));
  fs::create_symlink(path("a"), path("b"));
  EXPECT_TRUE(fs::is_symlink(link_target(path("a"))));
}

}  // namespace
}  // namespace runnel
