// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/base/mapped_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/base/whole_files.h"
#include "tests/support/temporary_folder.h"

namespace runnel {
namespace {

using test::write_bytes;
using testing::HasSubstr;

constexpr std::size_t kBytes = 3 * 4096 + 5;
constexpr int kBadData = static_cast<int>(ExitStatus::bad_data);

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() {
    // A child of its own program: this one has threads of UCX.
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    write_bytes(path_, test::Bytes(kBytes, 7));
  }

  std::string refusal(const std::filesystem::path& path) {
    try {
      const MappedFile file(path);
      return "";
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::input_missing);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      return error.what();
    }
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "some.bin";
};

int value(std::span<const std::byte> bytes, std::size_t index) {
  return static_cast<int>(*const_cast<const volatile std::byte*>(&bytes[index]));
}

TEST_F(MappedFileTest, HasTheBytesOfTheFile) {
  const MappedFile file(path_);
  ASSERT_EQ(file.bytes().size(), kBytes);
  for (const Access access : {Access::front_to_back, Access::scattered}) advise(file.bytes().subspan(100), access);
  EXPECT_EQ(value(file.bytes(), 0), 7);
  EXPECT_EQ(value(file.bytes(), kBytes - 1), 7);
}

TEST_F(MappedFileTest, IsEmptyForAnEmptyFile) {
  write_bytes(path_, {});
  EXPECT_TRUE(MappedFile(path_).bytes().empty());
}

TEST_F(MappedFileTest, StaysWhenTheFileIsRemoved) {
  const MappedFile file(path_);
  std::filesystem::remove(path_);
  EXPECT_EQ(value(file.bytes(), kBytes - 1), 7);
}

TEST_F(MappedFileTest, RefusesWhatIsNoRegularFile) {
  EXPECT_THAT(refusal(folder_.path() / "none"), HasSubstr("No such file"));
  EXPECT_THAT(refusal(folder_.path()), HasSubstr("not a regular file"));
  const auto pipe = folder_.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal(pipe), HasSubstr("not a regular file"));  // and does not wait for a writer
}

TEST_F(MappedFileTest, AFileThatBecameShorterIsFoundAlsoWithinItsLastPage) {
  const auto complaint = [] {
    try {
      require_whole_files();
      return std::string();
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      return std::string(error.what());
    }
  };
  {
    const MappedFile file(path_);
    EXPECT_EQ(complaint(), "");
    std::filesystem::resize_file(path_, kBytes + 1);
    EXPECT_EQ(complaint(), "") << "what was mapped is there";
    std::filesystem::resize_file(path_, kBytes - 1);
    EXPECT_EQ(value(file.bytes(), kBytes - 1), 0) << "no signal";
    EXPECT_THAT(complaint(), HasSubstr("some.bin: expected 12293 bytes, as at the start of the run, found 12292"));
  }
  EXPECT_EQ(complaint(), "") << "nothing reads it any more";
  const MappedFile file(path_);
  std::filesystem::remove(path_);
  write_bytes(path_, {1});
  EXPECT_EQ(complaint(), "") << "a replaced file stays as it was";
}

using MappedFileDeathTest = MappedFileTest;

TEST_F(MappedFileDeathTest, ATruncatedFileEndsTheProcessWithItsPath) {
  EXPECT_EXIT(
      {
        const MappedFile other(path_);
        write_bytes(folder_.path() / "short.bin", test::Bytes(kBytes, 7));
        const MappedFile file(folder_.path() / "short.bin");
        std::filesystem::resize_file(folder_.path() / "short.bin", 4096);
        if (value(file.bytes(), 4095) != 7) _exit(1);  // a page that is there
        value(file.bytes(), kBytes - 1);
        _exit(0);
      },
      testing::ExitedWithCode(kBadData), "short.bin: was truncated while it was read");
}

TEST_F(MappedFileDeathTest, ItsOwnEntryIsFoundAmongThoseUsedAgain) {
  EXPECT_EXIT(
      {
        std::vector<std::unique_ptr<const MappedFile>> files;
        for (int i = 0; i < 20; ++i) {
          const auto path = folder_.path() / ("f" + std::to_string(i));
          write_bytes(path, test::Bytes(kBytes, 7));
          files.push_back(std::make_unique<const MappedFile>(path));
          if (i % 3 == 0) files[static_cast<std::size_t>(i / 2)].reset();
        }
        std::filesystem::resize_file(folder_.path() / "f17", 0);
        value(files[17]->bytes(), 4096);
        _exit(0);
      },
      testing::ExitedWithCode(kBadData), "/f17: was truncated");
}

TEST_F(MappedFileDeathTest, AnotherSigbusIsDeadlyAsBefore) {
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, SIG_DFL);  // before the first mapping; sanitizers have a handler
        const MappedFile file(path_);
        raise(SIGBUS);
        _exit(0);
      },
      testing::KilledBySignal(SIGBUS), "^$");
}

TEST_F(MappedFileDeathTest, AFaultInAnUnguardedMappingIsDeadlyAsBefore) {
  EXPECT_EXIT(
      {
        std::signal(SIGBUS, SIG_DFL);
        auto file = std::make_unique<const MappedFile>(path_);
        const int descriptor = open(path_.c_str(), O_RDONLY);
        void* mapping = mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
        std::filesystem::resize_file(path_, 0);
        value({static_cast<const std::byte*>(mapping), kBytes}, 4096);
        _exit(0);
      },
      testing::KilledBySignal(SIGBUS), "^$");
}

TEST_F(MappedFileDeathTest, AFaultInAnyThreadIsFound) {
  EXPECT_EXIT(
      {
        const MappedFile file(path_);
        std::filesystem::resize_file(path_, 0);
        std::thread([&] { value(file.bytes(), 0); }).join();
        _exit(0);
      },
      testing::ExitedWithCode(kBadData), "error: .*some.bin: was truncated");
}

}  // namespace
}  // namespace runnel
