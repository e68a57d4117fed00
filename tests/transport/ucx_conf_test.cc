// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "transport/ucx_conf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "tests/support/scoped_environment.h"
#include "tests/support/temporary_folder.h"
#include "transport/context.h"
#include "transport/path.h"

namespace runnel::test {
namespace {

/// The values that a file with this text gives.
std::map<std::string, std::string> values(const std::string& text) {
  std::istringstream stream(text);
  UcxConf conf;
  add_ucx_conf(conf, stream, "ucx.conf");
  std::map<std::string, std::string> values;
  for (const auto& [name, setting] : conf) values[name] = setting.value;
  return values;
}

using Values = std::map<std::string, std::string>;

TEST(UcxConfTest, ReadsNamesAndValues) {
  EXPECT_EQ(values("UCX_A=1\n  UCX_B=2\nUCX_C = x y \r\nUCX_D: tcp\nUCX_E=\nUCX_F=a=b"),
            (Values{{"UCX_A", "UCX_B=2"}, {"UCX_C", "x y"}, {"UCX_D", "tcp"}, {"UCX_E", ""}, {"UCX_F", "a=b"}}))
      << "an indented line gives the name before it another value";
  EXPECT_EQ(values("  UCX_A=1\nUCX_A=2\n"), (Values{{"UCX_A", "2"}})) << "no name is before the first line";
}

TEST(UcxConfTest, LeavesCommentsAndBrokenLinesOut) {
  EXPECT_EQ(values("# UCX_A=1\n; UCX_A=1\n\nno value\n[open\nUCX_B=1 ; a comment\nUCX_C=1;2\nUCX_D=1 # 2\n"),
            (Values{{"UCX_B", "1"}, {"UCX_C", "1;2"}, {"UCX_D", "1 # 2"}}));
}

TEST(UcxConfTest, LeavesOutWhatFollowsAFilterInItsSection) {
  EXPECT_EQ(values("UCX_A=1\n[some]\nUCX_B=2\nCPU model=Grace\nUCX_C=3\n[other]\nUCX_D=4\n[more]\nProduct name=x\n"
                   "UCX_D=5\n"),
            (Values{{"UCX_A", "1"}, {"UCX_B", "2"}, {"UCX_D", "4"}}));
}

TEST(UcxConfTest, TheFileOfTheWorkingDirectoryWinsThenThatOfTheVariable) {
  const ScopedEnvironment home("HOME", "/home/of/one");
  const ScopedEnvironment folder("UCX_CONFIG_DIR", "/a/site");
  const auto files = ucx_conf_files();
  ASSERT_GE(files.size(), 4u);
  const std::vector<std::filesystem::path> last(files.end() - 3, files.end());
  EXPECT_EQ(last, (std::vector<std::filesystem::path>{"/home/of/one/ucx.conf", "/a/site/ucx.conf", "./ucx.conf"}));
}

/// What a context overrides of a ucx.conf with this text. UCX reads the file once a process, and maybe not this one:
/// the lists are of what this file asks for.
std::vector<std::string> overridden(const std::string& text, Path path) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "ucx.conf") << text;
  const ScopedEnvironment variable("UCX_CONFIG_DIR", folder.path().string());
  std::vector<std::string> names;
  const Context context(context_options_for(path));
  for (const OverriddenSetting& setting : context.overridden_settings()) {
    EXPECT_EQ(setting.file, folder.path() / "ucx.conf");
    names.push_back(setting.name + "=" + setting.value + " by " + setting.chosen);
  }
  std::ranges::sort(names);
  return names;
}

using Names = std::vector<std::string>;

TEST(ContextTest, TellsWhichSettingsOfAUcxConfItOverrides) {
  const std::string text =
      "UCX_RNDV_THRESH=8k\nUCX_FENCE_MODE=ep_based\nUCX_POSIX_FIFO_SIZE=64\nUCX_MM_RX_BUFS_GROW=7\nUCX_SYSV_ALLOC="
      "heap\n"
      "UCX_TCP_MAX_POLL=5\n";
  EXPECT_EQ(overridden(text, Path::emulated), (Names{"UCX_RNDV_THRESH=8k by inf"})) << "it has no shared memory";
  EXPECT_EQ(overridden(text, Path::mapped),
            (Names{"UCX_MM_RX_BUFS_GROW=7 by 32", "UCX_POSIX_FIFO_SIZE=64 by 32", "UCX_RNDV_THRESH=8k by inf"}));
}

TEST(ContextTest, OverridesNothingThatTheEnvironmentSets) {
  const ScopedEnvironment variable("UCX_RNDV_THRESH", "inf");
  EXPECT_EQ(overridden("UCX_RNDV_THRESH=8k\n", Path::emulated), Names{});
}

TEST(ContextTest, OverridesWhatIsSetBeforeExec) {
  const ScopedEnvironment variable("UCX_HANDLE_ERRORS", "none");
  EXPECT_EQ(overridden("UCX_HANDLE_ERRORS=bt\n", Path::emulated), (Names{"UCX_HANDLE_ERRORS=bt by none"}));
}

}  // namespace
}  // namespace runnel::test
