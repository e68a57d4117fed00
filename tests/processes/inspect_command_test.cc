// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/processes/job.h"
#include "tests/processes/terminal.h"
#include "tests/support/temporary_folder.h"
#include "tests/trainer/idx_files.h"

/// `runnel inspect`; tests/trainer/inspect has what it prints for each format.
namespace runnel::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class InspectCommandTest : public testing::Test {
 protected:
  InspectCommandTest() {
    write_bytes(images_, idx_images(2));
    write("table.csv", "x,y\n1,2\n");
  }

  std::string write(const std::string& name, const std::string& text) const {
    write_bytes(folder_.path() / name, {text.begin(), text.end()});
    return folder_.path() / name;
  }

  static std::vector<std::string> command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {RUNNEL_PROGRAM, "inspect"});
    return arguments;
  }

  /// What the command prints when its status is `status`.
  static std::string output(const std::vector<std::string>& arguments, int status = 0) {
    Job job({.argv = command(arguments)});
    EXPECT_EQ(job.wait(), status);
    return job.output();
  }

  /// What it prints to a terminal.
  std::string on_terminal(const std::vector<std::pair<std::string, std::string>>& environment) const {
    const Terminal terminal;
    Job job({.argv = command({images_}), .environment = environment, .terminal = terminal.name()});
    EXPECT_EQ(job.wait(), 0);
    terminal.await("path = ");
    return terminal.output();
  }

  TemporaryFolder folder_;
  std::string images_ = folder_.path() / "few-images-idx3-ubyte";
  std::string table_ = folder_.path() / "table.csv";
};

TEST_F(InspectCommandTest, PrintsWhatItCanReadAndThenReportsTheRest) {
  const std::string pipe = folder_.path() / "pipe.npy";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const std::string empty = write("empty.npz", "");
  const std::string text = output({pipe, table_, empty, images_}, 66);
  const std::size_t table = text.find(table_ + ": table"), images = text.find(images_ + ": IDX");
  const std::size_t first = text.find("error: " + pipe + ": cannot be opened: not a regular file\n");
  const std::size_t second = text.find("error: " + empty + ": expected arrays or a model, found an empty file\n");
  EXPECT_LT(table, images);
  EXPECT_LT(images, first);
  EXPECT_LT(first, second);
  EXPECT_NE(second, text.npos) << text;
  output({empty, pipe}, 65);
  EXPECT_THAT(output({folder_.path() / "none.npz"}, 66), HasSubstr("No such file"));
}

TEST_F(InspectCommandTest, PrintsOneJsonDocument) {
  const auto json = nlohmann::json::parse(output({table_, images_, "--json", "--samples", "0"}), nullptr, false);
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["arrays"][1]["range"]["mean"], 2);
  EXPECT_EQ(json[1]["arrays"][0]["shape"], nlohmann::json({2, 28, 28}));
  EXPECT_FALSE(json[1]["arrays"][0].contains("samples"));
}

TEST_F(InspectCommandTest, ReadsRawTokensOfTheTypeThatIsGiven) {
  const std::string tokens = write("text.bin", std::string("\1\0\2\0\3\0\4\0", 8));
  EXPECT_THAT(output({tokens}, 65), HasSubstr("add --tokens uint16"));
  EXPECT_THAT(output({tokens, "--tokens", "uint16"}), HasSubstr("type = \"uint16\""));
  EXPECT_THAT(output({tokens, "--tokens", "uint32"}), HasSubstr("uint32  [2]  131073 to 262147"));
}

TEST_F(InspectCommandTest, ReportsAWrongCommandLine) {
  EXPECT_THAT(output({}, 64), HasSubstr("FILE is required"));
  EXPECT_THAT(output({table_, "--tokens", "int8"}, 64), HasSubstr("--tokens"));
  EXPECT_THAT(output({table_, "--samples", "-1"}, 64), HasSubstr("--samples"));
  EXPECT_THAT(output({"--help"}), HasSubstr("Examples:"));
}

TEST_F(InspectCommandTest, ReportsThatItsOutputCannotBeWritten) {
  Job job({.argv = {"sh", "-c", "\"$0\" inspect \"$1\" >/dev/full", RUNNEL_PROGRAM, table_}});
  EXPECT_EQ(job.wait(), 74);
  EXPECT_THAT(job.output(), HasSubstr("standard output cannot be written"));
}

TEST_F(InspectCommandTest, DrawsWhatTheOutputCanShow) {
  EXPECT_THAT(output({images_}), Not(HasSubstr("\x1b")));
  EXPECT_THAT(on_terminal({{"TERM", "xterm"}, {"LC_ALL", "C.UTF-8"}}), HasSubstr("m▀"));
  EXPECT_THAT(on_terminal({{"TERM", "dumb"}, {"LC_ALL", "C.UTF-8"}}), Not(HasSubstr("▀")));
  EXPECT_THAT(on_terminal({{"TERM", "xterm"}, {"LC_ALL", "C"}}), Not(HasSubstr("▀")));
}

}  // namespace
}  // namespace runnel::test
