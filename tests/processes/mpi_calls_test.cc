// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// MPI serves the bootstrap only: seen by a preloaded library that stands between the program and MPI.
namespace runnel::test {
namespace {

constexpr int kRanks = 3;

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What `command` prints.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), part.size(), pipe.get()) != nullptr) output += part.data();
  return output;
}

/// The MPI functions among the symbols that `nm` lists for `file`.
std::vector<std::string> mpi_functions(const std::string& options, const std::string& file) {
  std::istringstream words(output_of("nm -D " + options + " " + file));
  std::vector<std::string> names;
  for (std::string word; words >> word;) {
    if (word.starts_with("MPI_")) names.push_back(word.substr(0, word.find('@')));
  }
  return names;
}

TEST(MpiCallsTest, TheInterposerStandsInForEveryFunctionThatTheProgramUses) {
  const auto used = mpi_functions("--undefined-only", RUNNEL_PROGRAM);
  const auto seen = mpi_functions("--defined-only", RUNNEL_MPI_INTERPOSER);
  EXPECT_GE(used.size(), 5U);
  for (const std::string& name : used) EXPECT_NE(std::ranges::find(seen, name), seen.end()) << name;
}

TEST(MpiCallsTest, NoneIsMadeAfterTheBootstrap) {
  const RunnelProgram program;
  const std::string log = program.folder() / "calls";
  const auto calls = [&log] {
    std::vector<std::vector<std::string>> by_rank;
    for (int rank = 0; rank < kRanks; ++rank) by_rank.push_back(lines_of(log + "." + std::to_string(rank)));
    return by_rank;
  };
  Job job({.argv = program.train({"-n", "2"}),
           .environment = {{"LD_PRELOAD", RUNNEL_MPI_INTERPOSER}, {"RUNNEL_TEST_MPI_LOG", log}}});
  job.await_output("step 1/10");
  const auto at_first_step = calls();
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
  for (const auto& names : at_first_step) {
    for (const char* name : {"MPI_Init", "MPI_Iallgatherv", "MPI_Ibarrier"}) {
      EXPECT_NE(std::ranges::find(names, name), names.end()) << "the bootstrap's " << name << " was not seen";
    }
    ASSERT_FALSE(names.empty());
    EXPECT_EQ(names.back(), "MPI_Finalize") << "MPI is still in use at the first step";
  }
  EXPECT_EQ(calls(), at_first_step) << "MPI was called after the first step";
}

}  // namespace
}  // namespace runnel::test
