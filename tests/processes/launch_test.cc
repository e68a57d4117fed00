// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/processes/open_mpi_5.h"
#include "tests/processes/runnel_program.h"

/// The ways to start a run, as the user of this process, as one without privileges, and with Open MPI 5.
namespace runnel::test {
namespace {

enum class Setting { as_we_are, unprivileged, open_mpi_5 };

std::string name_of_setting(const testing::TestParamInfo<Setting>& test) {
  constexpr std::array kNames = {"AsWeAre", "Unprivileged", "OpenMpi5"};
  return kNames.at(static_cast<std::size_t>(test.param));
}

class LaunchTest : public testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    if (GetParam() == Setting::open_mpi_5 && !OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
    if (!unprivileged()) return;
    if (geteuid() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can start a run as another user";
    // mpirun goes by the folders' modes, whatever the capabilities of its user.
    const std::filesystem::path program = program_.train().front();
    for (auto folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
      if ((status(folder).permissions() & std::filesystem::perms::others_exec) == std::filesystem::perms::none) {
        GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can enter " << folder << ", where the program is";
      }
    }
  }

  static bool unprivileged() { return GetParam() == Setting::unprivileged; }

  /// Runs a command to its end and gives its report; expects success and no complaint.
  nlohmann::json run(const std::vector<std::string>& argv) {
    const SharedMemoryGuard memory;
    const std::string temporary = program_.folder() / "tmp";
    std::filesystem::create_directory(temporary);
    std::filesystem::permissions(temporary, std::filesystem::perms::all);
    Command command{.argv = argv, .environment = {{"TMPDIR", temporary}}, .unprivileged = unprivileged()};
    if (GetParam() == Setting::open_mpi_5) OpenMpi5::use_in(command);
    Job job(command);
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
    EXPECT_TRUE(std::filesystem::is_empty(temporary) || argv.front() == "mpirun") << "the launcher left files behind";
    output_ = job.output();
    EXPECT_EQ(output_.find("error"), std::string::npos) << output_;
    EXPECT_EQ(output_.find("warning"), std::string::npos) << output_;
    EXPECT_EQ(memory.left(), std::vector<std::string>());
    return program_.report();
  }

  static void expect_job(const nlohmann::json& report, int trainers) {
    EXPECT_EQ(report["processes"].size(), static_cast<std::size_t>(trainers) + 1);
    EXPECT_EQ(report["paths"].size(), static_cast<std::size_t>(trainers));
    EXPECT_EQ(report["steps"], 20 / trainers);
    EXPECT_EQ(report["gradients"], 20 / trainers * trainers);
    EXPECT_EQ(report["test"]["samples"], 200) << "the test is over the whole test set, whatever the trainers' shares";
    EXPECT_EQ(report["exit"], 0);
    for (const auto& path : report["paths"]) EXPECT_EQ(path["path"], "mapped") << path;
    for (const auto& process : report["processes"]) EXPECT_EQ(process["device"], "cpu") << process;
  }

  RunnelProgram program_;
  std::string output_;
};

TEST_P(LaunchTest, TheProgramStartsItsOwnRanks) {
  const auto report = run(program_.train({"-n", "2"}));
  expect_job(report, 2);
  if (GetParam() == Setting::open_mpi_5) {
    EXPECT_TRUE(report["versions"]["mpi"].get<std::string>().starts_with("Open MPI v5.")) << report["versions"];
  }
  EXPECT_NE(output_.find("trainer 1 on "), std::string::npos) << "no line with the path in use:\n" << output_;
  EXPECT_NE(output_.find("optimizer: name = \"adadelta\", lr = "), std::string::npos) << output_;
  EXPECT_NE(output_.find("devices: generator cpu, trainer 0 cpu, trainer 1 cpu\n"), std::string::npos) << output_;
  EXPECT_NE(output_.find("done: 10 steps"), std::string::npos) << output_;
}

TEST_P(LaunchTest, MpirunStartsTheRanks) {
  expect_job(run(program_.mpirun(3)), 2);
}

TEST_P(LaunchTest, OneTrainer) {
  expect_job(run(program_.train({"-n", "1"})), 1);
}

TEST_P(LaunchTest, MoreProcessesThanCores) {
  expect_job(run(program_.train({"-n", "7"})), 7);
}

TEST_P(LaunchTest, AloneWithoutMpi) {
  const auto report = run(program_.train({"--alone"}));
  EXPECT_EQ(report["processes"].size(), 1U);
  EXPECT_EQ(report["paths"].size(), 0U);
  EXPECT_EQ(report["steps"], 20);
  EXPECT_EQ(report["test"]["samples"], 200);
}

INSTANTIATE_TEST_SUITE_P(Users, LaunchTest,
                         testing::Values(Setting::as_we_are, Setting::unprivileged, Setting::open_mpi_5),
                         name_of_setting);

TEST(OddNameTest, AFileMayBeNamedAsMpirunsSeparator) {
  const RunnelProgram program;
  std::filesystem::copy_file(program.config(), program.folder() / ":");
  const std::vector<std::string> in_folder = {"bash", "-c", "cd \"$0\" && exec \"$@\"", program.folder()};
  program.run(in_folder + std::vector<std::string>{RUNNEL_PROGRAM, "train", ":", "--report", program.report_file()});
  Job job({.argv = in_folder + std::vector<std::string>{RUNNEL_PROGRAM, "train", program.config(), "--report", ":"}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
  EXPECT_EQ(nlohmann::json::parse(std::ifstream(program.folder() / ":"))["exit"], 0);
}

TEST(PrintedConfigTest, IsReadBackToTheSame) {
  const RunnelProgram program;
  const std::string printed_file = program.folder() / "printed.toml";
  const auto print = [&](const std::string& config) {
    Job job({.argv = {RUNNEL_PROGRAM, "train", config, "--print-config", "--set", "optimizer.lr=0.3"}});
    EXPECT_EQ(job.wait(), 0);
    return job.output();
  };
  const std::string first = print(program.config());
  std::ofstream(printed_file) << first;
  EXPECT_EQ(print(printed_file), first);
  EXPECT_NE(first.find("0.3"), std::string::npos) << first;
  const auto options = std::vector<std::string>{"--report", program.report_file()};
  const auto by_file =
      program.run(std::vector<std::string>{RUNNEL_PROGRAM, "train", program.config(), "--set", "optimizer.lr=0.3"} +
                  options)["parameters_sha256"];
  EXPECT_EQ(program.run(std::vector<std::string>{RUNNEL_PROGRAM, "train", printed_file} + options)["parameters_sha256"],
            by_file);
}

/// One line in the whole job, by whoever starts its ranks, and the values that count in its summary.
TEST(OptimizerTest, FromTheCommandLineDropsTheFilesValuesOnce) {
  const RunnelProgram program;
  std::ofstream(program.config(), std::ios::app) << "\n[optimizer]\nlr = 0.1\nrho = 0.9\n";
  const std::vector<std::string> options = {"--set", "optimizer.name=adam", "--set", "run.max_gradients=2"};
  for (const auto& argv : {program.train(options), program.mpirun(3, options),
                           program.train(options + std::vector<std::string>{"--alone"})}) {
    Job job({.argv = argv});
    EXPECT_EQ(job.wait(), 0);
    const std::string& output = job.output();
    const std::string notice =
        "so its optimizer.lr, optimizer.rho are ignored; defaults in force: optimizer.lr = 0.001";
    const std::size_t first = output.find(notice);
    EXPECT_NE(first, std::string::npos) << output;
    EXPECT_EQ(output.find(notice, first + 1), std::string::npos) << output;
    EXPECT_NE(output.find("optimizer: name = \"adam\", lr = 0.001, eps = 1e-08"), std::string::npos) << output;
  }
}

}  // namespace
}  // namespace runnel::test
