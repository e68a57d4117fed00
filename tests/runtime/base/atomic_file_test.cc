// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/refused_calls.h"
#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class AtomicFileTest : public testing::Test {
 protected:
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

  test::TemporaryFolder temporary_;
  fs::path folder_ = temporary_.path();
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

TEST_F(AtomicFileTest, ReplacesBytesThatWereAppended) {
  AtomicFile replacement(file_);
  replacement.append(bytes_of("____ contents"));
  replacement.overwrite(1, bytes_of("ew"));
  replacement.append(bytes_of(" at the end"));
  replacement.publish_durably();
  EXPECT_EQ(contents(file_), "_ew_ contents at the end");
}

TEST_F(AtomicFileTest, AFolderThatIsMissingNeedsNoSync) {
  sync_folder(folder_);
  sync_folder(folder_ / "none");
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

TEST_F(AtomicFileTest, HasAnyNameThatAFileCanHave) {
  const fs::path longest = folder_ / std::string(255, 'n');
  replace(longest, "new");
  EXPECT_EQ(contents(longest), "new");
}

TEST_F(AtomicFileTest, HasThePermissionsThatTheUserWants) {
  const mode_t before = umask(027);
  replace(file_, "new");
  umask(before);
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms(0640));
}

TEST_F(AtomicFileTest, KeepsThePermissionsOfAFileThatItReplaces) {
  std::ofstream(file_) << "old";
  for (const fs::perms permissions : {fs::perms(0600), fs::perms(0664), fs::perms(0400)}) {
    fs::permissions(file_, permissions);
    replace(file_, "new");
    EXPECT_EQ(fs::status(file_).permissions(), permissions);
  }
}

TEST_F(AtomicFileTest, KeepsTheOwnerOfAFileThatItReplaces) {
  if (geteuid() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can make a file somebody else's";
  std::ofstream(file_) << "old";
  ASSERT_EQ(chown(file_.c_str(), 1234, 5678), 0);
  replace(file_, "new");
  struct stat found {};
  ASSERT_EQ(stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, 1234U);
  EXPECT_EQ(found.st_gid, 5678U);
}

/// System calls whose refusal a file without a name does not survive, while one with a name does.
std::vector<test::RefusedCalls> sandboxes() {
  return {{.numbers = {SYS_linkat}}, {.numbers = {}, .unnamed_files = true}};
}

TEST_F(AtomicFileTest, HasATemporaryNameWhereAFileWithoutANameCannotGetOne) {
  const mode_t before = umask(027);
  for (const test::RefusedCalls& refused : sandboxes()) {
    const bool done = test::runs_without(refused, [this] {
      require_writable(file_);
      if (files() != 0) throw std::runtime_error("it left a trace");
      replace(file_, "new");
      AtomicFile(file_).append(bytes_of("not published"));
    });
    EXPECT_TRUE(done);
    if (IsSkipped()) break;
    EXPECT_EQ(contents(file_), "new");
    EXPECT_EQ(fs::status(file_).permissions(), fs::perms(0640));
    EXPECT_EQ(files(), 1U);
    fs::remove(file_);
  }
  umask(before);
}

TEST_F(AtomicFileTest, DoesNotFollowALinkAtItsTemporaryName) {
  const fs::path victim = folder_ / "victim";
  std::ofstream(victim) << "old";
  // Without random numbers the name can be foreseen.
  EXPECT_TRUE(test::runs_without({.numbers = {SYS_getrandom}, .unnamed_files = true}, [&] {
    char name[32];
    std::snprintf(name, sizeof name, "runnel-%016llx.tmp", static_cast<unsigned long long>(getpid()));
    fs::create_symlink(victim, folder_ / name);
    try {
      replace(file_, "new");
    } catch (const WriteError&) {
      return;
    }
    throw std::runtime_error("the link was not seen");
  }));
  EXPECT_EQ(contents(victim), "old");
}

TEST_F(AtomicFileTest, ATemporaryFileOfAPrivateOneIsPrivate) {
  std::ofstream(file_) << "old";
  fs::permissions(file_, fs::perms(0640));
  EXPECT_TRUE(test::runs_without({.numbers = {}, .unnamed_files = true}, [this] {
    const AtomicFile replacement(file_);
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const bool is_private = entry.path() == file_ || entry.status().permissions() == fs::perms(0600);
      if (!is_private) throw std::runtime_error("others can read " + entry.path().string());
    }
  }));
}

TEST_F(AtomicFileTest, RefusesAtTheStartWhatWouldFailAtTheEnd) {
  const test::RefusedCalls refused = {.numbers = {SYS_rename, SYS_renameat, SYS_renameat2}};
  EXPECT_TRUE(test::runs_without(refused, [this] {
    try {
      require_writable(file_);
    } catch (const WriteError& error) {
      if (error.status() == ExitStatus::cannot_create && files() == 0) return;
    }
    throw std::runtime_error("it is not refused, or left a trace");
  }));
}

TEST_F(AtomicFileTest, RefusesAFileThatIsAMountPoint) {
  std::ofstream(file_) << "old";
  const fs::path source = folder_ / "source";
  std::ofstream(source) << "mounted";
  const bool mounted = unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                       mount(source.c_str(), file_.c_str(), nullptr, MS_BIND, nullptr) == 0;
  if (!mounted) GTEST_SKIP() << "SKIPPED, NOT TESTED: no permission for mounts of its own";
  EXPECT_THROW(require_writable(file_), WriteError);
  umount2(file_.c_str(), MNT_DETACH);
}

TEST_F(AtomicFileTest, RefusesSomebodyElsesFileInAStickyFolder) {
  if (geteuid() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can become somebody else";
  std::ofstream(file_) << "old";
  fs::permissions(folder_, fs::perms(01777));
  EXPECT_TRUE(test::runs_without({}, [this] {
    if (setgid(1234) != 0 || setuid(1234) != 0) throw std::runtime_error("cannot become somebody else");
    require_writable(folder_ / "own");
    try {
      require_writable(file_);
    } catch (const WriteError&) {
      return;
    }
    throw std::runtime_error("it is not refused");
  }));
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
