// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/archive/zip_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "runtime/base/run_error.h"
#include "tests/trainer/archive/zip_files.h"

namespace runnel {
namespace {

using test::Bytes;
using test::make_zip;
using test::ZipText;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;

constexpr std::uint64_t kMany = 1 << 20;

class ZipArchiveTest : public testing::Test {
 protected:
  ZipArchive open(const Bytes& bytes) {
    std::filesystem::remove(file_);  // some file systems write a file to the disk when it is overwritten
    test::write_bytes(file_, bytes);
    return ZipArchive(file_);
  }

  /// All names and contents of the archive; what was wrong, where something was.
  std::string listing(const Bytes& bytes) {
    try {
      const ZipArchive archive = open(bytes);
      std::string text;
      for (const ZipMember& member : archive.members()) {
        text += member.name + "=" + std::string(archive.read(member, kMany).text()) + ";";
      }
      return text;
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::bad_data);
      EXPECT_THAT(error.what(), HasSubstr(file_.string()));
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      return std::string("refused: ") + error.what();
    }
  }

  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "some.zip";
  std::vector<ZipText> members_ = {{"top/a.json", "{\"some\": \"text\"}"},
                                   {"top/b", std::string(3000, 'x') + "end", /*deflated=*/true},
                                   {"top/empty", ""},
                                   {"top/empty_too", "", /*deflated=*/true}};
  std::string good_ =
      "top/a.json={\"some\": \"text\"};top/b=" + std::string(3000, 'x') + "end;top/empty=;top/empty_too=;";
};

TEST_F(ZipArchiveTest, ReadsStoredAndDeflatedMembers) {
  EXPECT_EQ(listing(make_zip(members_)), good_);
  EXPECT_EQ(listing(make_zip(members_, /*zip64=*/true)), good_);
  EXPECT_EQ(listing(make_zip({})), "");
}

TEST_F(ZipArchiveTest, FindsMembersByName) {
  std::ranges::reverse(members_);
  const ZipArchive archive = open(make_zip(members_));
  ASSERT_NE(archive.find("top/a.json"), nullptr);
  EXPECT_EQ(archive.find("top/a.json")->content_bytes, 16U);
  EXPECT_EQ(archive.find("top/"), nullptr);
  EXPECT_EQ(archive.find("top/z"), nullptr);
}

TEST_F(ZipArchiveTest, MapsStoredMembersOnly) {
  const ZipArchive archive = open(make_zip(members_));
  EXPECT_EQ(archive.mapped(*archive.find("top/a.json")).size(), 16U);
  EXPECT_THROW(archive.mapped(*archive.find("top/b")), RunError);
}

TEST_F(ZipArchiveTest, RefusesMembersOverTheBound) {
  const ZipArchive archive = open(make_zip(members_));
  try {
    archive.read(*archive.find("top/b"), 3002);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), EndsWith("some.zip: member \"top/b\": expected at most 3002 bytes, found 3003"));
  }
}

TEST_F(ZipArchiveTest, RefusesASizeThatDeflateCannotReach) {
  Bytes bytes = make_zip({{"b", std::string(3000, 'x'), /*deflated=*/true}});
  const auto end = bytes.end() - 22 - 47;  // the only entry of the directory
  std::fill_n(end + 24, 3, std::uint8_t{0xff});
  EXPECT_THAT(listing(bytes), HasSubstr("expected at most"));
  std::fill_n(end + 26, 1, std::uint8_t{0x0f});
  EXPECT_THAT(listing(bytes), HasSubstr("cannot be inflated to its size"));
}

TEST_F(ZipArchiveTest, NamesOtherFiles) {
  EXPECT_THAT(listing({}), HasSubstr("expected a ZIP archive, found another kind of file"));
  const std::string lfs = "version https://git-lfs.github.com/spec/v1";
  EXPECT_THAT(listing(Bytes(lfs.begin(), lfs.end())), HasSubstr("found a Git LFS pointer"));
  for (const std::filesystem::path& path : {folder_.path() / "none", folder_.path()}) {
    try {
      const ZipArchive archive(path);
      ADD_FAILURE();
    } catch (const RunError& error) {
      EXPECT_EQ(error.status(), ExitStatus::input_missing);
    }
  }
}

TEST_F(ZipArchiveTest, RefusesTwoMembersOfOneName) {
  EXPECT_THAT(listing(make_zip({{"a", "1"}, {"a", "2"}})), HasSubstr("two members are named \"a\""));
}

TEST_F(ZipArchiveTest, RefusesOverlappingMembers) {
  Bytes bytes = make_zip({{"a", "1"}, {"a", "1"}});
  bytes[bytes.size() - 22 - 47 + 42] = 0;  // the second entry's position
  EXPECT_THAT(listing(bytes), HasSubstr("two of its members overlap"));
}

TEST_F(ZipArchiveTest, ShowsControlCharactersInNames) {
  EXPECT_THAT(listing(make_zip({{"a\nb", "1"}, {"a\nb", "2"}})), HasSubstr("\"a\\x0ab\""));
  EXPECT_THAT(listing(make_zip({{"a\xff", "1"}})), HasSubstr("not UTF-8"));
}

TEST_F(ZipArchiveTest, RefusesEncryptionAndOtherMethods) {
  Bytes bytes = make_zip({{"a", "1"}});
  const std::size_t entry = bytes.size() - 22 - 47;
  bytes[entry + 8] |= 1;
  EXPECT_THAT(listing(bytes), HasSubstr("is encrypted"));
  bytes[entry + 8] ^= 1;
  bytes[entry + 10] = 12;
  EXPECT_THAT(listing(bytes), HasSubstr("found compression method 12"));
}

TEST_F(ZipArchiveTest, RefusesFilesThatAreCutOrLonger) {
  for (const bool zip64 : {false, true}) {
    const Bytes whole = make_zip(members_, zip64);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      EXPECT_THAT(listing(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))),
                  HasSubstr("refused"))
          << length;
    }
    Bytes longer = whole;
    longer.push_back(0);
    EXPECT_THAT(listing(longer), HasSubstr("refused"));
    longer = whole;
    longer.insert(longer.begin(), {'P', 'K'});
    EXPECT_THAT(listing(longer), HasSubstr("refused"));
  }
}

/// Every bit of the archive is flipped in turn: what is read stays the same, or the archive is refused.
TEST_F(ZipArchiveTest, FlippedBitsAreRefusedOrHarmless) {
  for (const bool zip64 : {false, true}) {
    const Bytes whole = make_zip(members_, zip64);
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const std::string found = listing(flipped);
      refused += found.starts_with("refused") ? 1 : 0;
      EXPECT_TRUE(found == good_ || found.starts_with("refused")) << "bit " << bit << ": " << found;
    }
    EXPECT_GT(refused, whole.size() * 8 / 2);
  }
}

}  // namespace
}  // namespace runnel
