// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/run_error.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/checkpoint/safetensors_writer.h"
#include "tests/trainer/archive/zip_files.h"
#include "tests/trainer/arrays/array_files.h"
#include "tests/trainer/inspect/summary_files.h"
#include "trainer/inspect/summary_json.h"
#include "trainer/inspect/summary_text.h"

/// Which formats are found, what is suggested, and what is refused.
namespace runnel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FileSummaryTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& name, const test::Bytes& bytes) const {
    test::write_bytes(folder_.path() / name, bytes);
    return folder_.path() / name;
  }

  /// An npz whose arrays are bytes.
  std::filesystem::path write_npz(const std::vector<std::pair<std::string, int>>& arrays) const {
    std::vector<test::ZipText> members;
    for (const auto& [name, samples] : arrays) {
      const auto dictionary = test::npy_dictionary("'|u1'", "(" + std::to_string(samples) + ",)");
      members.push_back(
          {name + ".npy", test::as_text(test::npy_bytes(dictionary, test::Bytes(static_cast<std::size_t>(samples))))});
    }
    return write("arrays.npz", test::make_zip(members));
  }

  /// Status and text of the error; the text without the path that begins it.
  static std::pair<int, std::string> refusal(const std::filesystem::path& path) {
    try {
      inspect(path, {});
      return {0, ""};
    } catch (const RunError& error) {
      const std::string text = error.what();
      EXPECT_THAT(text, testing::StartsWith(path.string() + ": "));
      EXPECT_THAT(text, Not(HasSubstr("\n")));
      return {static_cast<int>(error.status()), text.substr(std::min(text.size(), path.string().size() + 2))};
    }
  }

  static std::string shown_for(const std::filesystem::path& path) {
    const FileSummary summary = inspect(path, {});
    EXPECT_FALSE(summaries_json({summary}).empty());
    return summary_text(summary, Drawing::ascii);
  }

  test::TemporaryFolder folder_;
};

TEST_F(FileSummaryTest, TakesTheTargetByItsName) {
  const auto options_for = [&](const std::vector<std::pair<std::string, int>>& arrays) {
    const std::string text = inspect(write_npz(arrays), {}).configuration;
    const std::size_t begin = text.find("options");
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  EXPECT_EQ(options_for({{"x_test", 2}, {"x_train", 4}, {"y_test", 2}, {"y_train", 4}}),
            "options = { inputs = [\"x_train\"], target = \"y_train\" }");
  EXPECT_EQ(options_for({{"label", 4}, {"one", 4}, {"two", 4}, {"weights", 3}}),
            "options = { inputs = [\"one\", \"two\"], target = \"label\" }");
  EXPECT_EQ(options_for({{"a", 4}, {"b", 4}}), "options = { inputs = [\"a\"], target = \"b\" }");
  EXPECT_THAT(options_for({{"a", 4}}), HasSubstr("target = \"y\" }  # inputs and target need an array each"));
  EXPECT_THAT(options_for({{"y", 4}}), HasSubstr("inputs = [\"x\"], target = \"y\" }  # "));
}

TEST_F(FileSummaryTest, TakesTensorsWithATargetForData) {
  const std::vector<double> numbers(4);
  const auto bytes = std::as_bytes(std::span(numbers));
  const auto file = folder_.path() / "data.safetensors";
  write_safetensors(file, std::vector<StoredTensor>{{"x", ElementType::float64, {2, 2}, bytes},
                                                    {"y", ElementType::float64, {2}, bytes.subspan(0, 16)}});
  const FileSummary summary = inspect(file, {});
  EXPECT_THAT(summary.configuration, HasSubstr("name = \"safetensors\""));
  EXPECT_EQ(summary.arrays[0].samples.size(), 2U);
}

TEST_F(FileSummaryTest, NamesIdxFilesAsTheDataSetDoes) {
  write("x.idx", {0, 0, 8, 1, 0, 0, 0, 2, 7, 8});
  write("y.idx", {0, 0, 8, 1, 0, 0, 0, 2, 0, 1});
  const std::string text = inspect(folder_.path(), {}).configuration;
  EXPECT_THAT(text, HasSubstr("name = \"idx\""));
  EXPECT_THAT(text, HasSubstr("inputs = [\"x.idx\"], target = \"y.idx\""));
}

TEST_F(FileSummaryTest, SuggestsArraysOfOneKindForAFolderOfSeveral) {
  write("labels.idx", {0, 0, 8, 1, 0, 0, 0, 2, 0, 1});
  write("a.npy", test::npy_bytes(test::npy_dictionary("'|u1'", "(2,)"), {7, 8}));
  write("b.npy", test::npy_bytes(test::npy_dictionary("'|u1'", "(2,)"), {7, 8}));
  const FileSummary summary = inspect(folder_.path(), {});
  EXPECT_EQ(summary.arrays.size(), 3U);
  EXPECT_THAT(summary.configuration, HasSubstr("name = \"npy\""));
  EXPECT_THAT(summary.configuration, HasSubstr("inputs = [\"a\"], target = \"b\""));
}

TEST_F(FileSummaryTest, SuggestsNoTypeForTokensThatHaveTheirOwn) {
  const auto file = write("ids.npy", test::npy_bytes(test::npy_dictionary("'<i4'", "(2,)"), test::Bytes(8)));
  EXPECT_THAT(inspect(file, {.tokens = ElementType::uint16}).configuration, HasSubstr("options = { context = 128 }"));
}

TEST_F(FileSummaryTest, ShowsArraysBesideOnesThatItCannotRead) {
  const auto bytes = test::npy_bytes(test::npy_dictionary("'|u1'", "(1,)"), {7});
  const auto texts = test::npy_bytes(test::npy_dictionary("'<U1'", "(1,)"), {65, 0, 0, 0});
  const auto file =
      write("both.npz", test::make_zip({{"names.npy", test::as_text(texts)}, {"x.npy", test::as_text(bytes)}}));
  const FileSummary summary = inspect(file, {});
  ASSERT_EQ(summary.arrays.size(), 1U);
  EXPECT_EQ(summary.arrays[0].samples[0], std::vector<double>{7});
  ASSERT_EQ(summary.problems.size(), 1U);
  EXPECT_EQ(summary.problems[0].status(), ExitStatus::bad_data);
  EXPECT_THAT(summary.problems[0].what(), HasSubstr("\"names.npy\""));
}

TEST_F(FileSummaryTest, ShowsColumnsBesideOnesThatItCannotRead) {
  std::string text = "id,age,size,fare,size,price\n";
  for (int row = 0; row < 150; ++row) text += "1,2,3,4,5,6\n";
  text += "1,,3,four,5,6\n";
  const FileSummary summary = inspect(write("some.csv", test::text_bytes(text)), {});
  ASSERT_EQ(summary.arrays.size(), 2U);
  EXPECT_EQ(summary.arrays[1].range->elements, 151U);
  ASSERT_EQ(summary.problems.size(), 2U);
  EXPECT_THAT(summary.problems[0].what(), HasSubstr("line 152: column \"age\": expected a finite number"));
  EXPECT_THAT(summary.problems[1].what(), HasSubstr("line 152: column \"fare\""));
  EXPECT_THAT(summary.notes, ElementsAre("several columns are called: \"size\""));
  EXPECT_THAT(summary.configuration, HasSubstr("inputs = [\"id\"], target = \"price\""));
  EXPECT_THAT(refusal(write("row.csv", test::text_bytes("a,b\n1,x\n2\n"))).second,
              HasSubstr("line 3: expected 2 cells, as the header has, found 1"));
  EXPECT_THAT(refusal(write("nan.csv", test::text_bytes("a\nnan\n"))).second, HasSubstr("found \"nan\""));
}

TEST_F(FileSummaryTest, SuggestsNoTargetThatATableCannotHave) {
  const auto options_for = [&](const std::string& header) {
    std::filesystem::remove(folder_.path() / "some.csv");
    return inspect(write("some.csv", test::text_bytes(header + "\n1,2,3\n")), {}).configuration;
  };
  EXPECT_THAT(options_for("a,b,input"), HasSubstr("inputs = [\"a\", \"input\"], target = \"b\""));
  EXPECT_THAT(options_for("a,b,"), HasSubstr("inputs = [\"a\"], target = \"b\""));
}

TEST_F(FileSummaryTest, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refusal(write("empty.npz", {})),
            std::pair(65, std::string("expected arrays or a model, found an empty file")));
  EXPECT_THAT(refusal(write("text.bin", {1, 2, 3, 4})).second, HasSubstr("for raw tokens add --tokens uint16"));
  EXPECT_THAT(refusal(write("page.csv", test::text_bytes("<!DOCTYPE html>"))).second, HasSubstr("a web page"));
  EXPECT_THAT(refusal(write("w.pt", test::make_zip({{"w/data.pkl", "x"}}))).second, HasSubstr("pickled file of torch"));
  EXPECT_THAT(refusal(write("text.csv", test::text_bytes("a,b\nc,d\n"))).second, HasSubstr("a column of numbers"));
  EXPECT_THAT(refusal(folder_.path() / "none.npz"), testing::Pair(66, HasSubstr("No such file")));
  const auto folder = folder_.path() / "empty";
  std::filesystem::create_directory(folder);
  EXPECT_THAT(refusal(folder), testing::Pair(65, HasSubstr("found none of them")));
  const auto pipe = folder_.path() / "pipe.npy";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refusal(pipe), testing::Pair(66, HasSubstr("not a regular file")));
}

/// A file that is cut anywhere is refused or, a text or raw tokens, read.
TEST_F(FileSummaryTest, RefusesCutFilesInOneLine) {
  for (const test::KnownFile& known : test::known_files()) {
    if (known.name.empty() || known.options.tokens) continue;
    const test::TemporaryFolder folder;
    known.make(folder.path());
    const auto path = folder.path() / known.name;
    const auto bytes = test::read_bytes(path);
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 100);
    for (std::size_t size = 0; size < bytes.size(); size += step) {
      std::filesystem::resize_file(path, 0);
      test::write_bytes(path, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)});
      const auto [status, text] = refusal(path);
      EXPECT_TRUE(status == 65 || (status == 0 && known.format == "csv")) << known.format << size << text;
    }
  }
}

/// With up to four bytes changed, a file is refused in one line or shown without control characters.
TEST_F(FileSummaryTest, SurvivesChangedBytes) {
  const unsigned seed = std::random_device()();
  RecordProperty("seed", static_cast<int>(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const test::KnownFile& known : test::known_files()) {
    if (known.name.empty()) continue;
    known.make(folder_.path());
    const auto path = folder_.path() / known.name;
    const auto good = test::read_bytes(path);
    for (int i = 0; i < 300; ++i) {
      test::Bytes bytes = good;
      for (int changes = 0; changes < 4; ++changes) {
        // Half of them where headers are.
        const std::size_t end = random() % 2 == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 128);
        bytes[random() % end] = static_cast<std::uint8_t>(random());
      }
      std::filesystem::remove(path);
      test::write_bytes(path, bytes);
      const auto [status, text] = refusal(path);
      EXPECT_TRUE(status == 65 || status == 0) << known.format << text;
      if (status != 0) continue;
      EXPECT_THAT(shown_for(path), Not(HasSubstr("\x1b"))) << known.format;
    }
  }
}

TEST_F(FileSummaryTest, EscapesControlCharactersInNames) {
  const std::string name = "x\x1b[2J\n\xc2\x9b";
  const auto npy = test::npy_bytes(test::npy_dictionary("'|u1'", "(1,)"), {7});
  const auto file = write("a\x1b\n\xff.npz", test::make_zip({{name + ".npy", test::as_text(npy)}}));
  const FileSummary summary = inspect(file, {});
  const std::string text = summary_text(summary, Drawing::ascii);
  EXPECT_THAT(text, HasSubstr("a\\x1b\\x0a\\xff.npz: "));
  EXPECT_THAT(text, HasSubstr("x\\x1b[2J\\x0a\\xc2\\x9b  uint8"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, HasSubstr("# a name is not UTF-8")) << "instead of a path that TOML cannot have";
  EXPECT_THAT(summaries_json({summary}), HasSubstr("\"x\\u001b[2J\\n"));
}

TEST_F(FileSummaryTest, ReadsAHugeFileInPart) {
  constexpr std::uintmax_t kElements = 5'000'000'000;
  const auto file = write("huge.npy", test::npy_bytes(test::npy_dictionary("'|u1'", "(5000000000,)"), {}));
  std::filesystem::resize_file(file, std::filesystem::file_size(file) + kElements);  // a hole
  struct rusage before {
  }, after{};
  getrusage(RUSAGE_SELF, &before);
  const FileSummary summary = inspect(file, {});
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 64 << 10) << "kilobytes";
  EXPECT_EQ(summary.arrays[0].range->elements, kElements);
  EXPECT_THAT(summary_text(summary, Drawing::ascii), HasSubstr("of 1000000 of 5000000000 elements"));
}

/// More than is read of one; most of it is a hole, which is no text.
TEST_F(FileSummaryTest, ReadsTheFirstRowsOfAHugeTable) {
  const auto file = folder_.path() / "huge.csv";
  {
    std::ofstream out(file);
    out << "a,b\n";
    for (int i = 0; i < 4; ++i) out << "1," << std::string(20 << 20, ' ') << "2\n";
  }
  std::filesystem::resize_file(file, std::uintmax_t{5'000'000'000});
  const FileSummary summary = inspect(file, {});
  EXPECT_EQ(summary.arrays[1].shape, std::vector<std::int64_t>{3});
  EXPECT_THAT(summary.notes, ElementsAre(HasSubstr("bytes")));
}

}  // namespace
}  // namespace runnel
