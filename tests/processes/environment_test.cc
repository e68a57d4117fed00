// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/processes/runnel_program.h"
#include "tests/processes/thread_cores.h"

/// What a site's profile or a batch system puts into the environment does not change a run.
namespace runnel::test {
namespace {

using Variable = std::pair<std::string, std::string>;

constexpr std::chrono::seconds kJobTimeout{60};

std::string as_text(const Variable& variable) {
  return variable.first + "=" + variable.second;
}

std::string name_of(const testing::TestParamInfo<Variable>& info) {
  std::string name = as_text(info.param);
  std::erase_if(name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
  return name;
}

/// Settings with which libgomp binds the main thread, and what it starts, to its first core.
class BindingTest : public testing::TestWithParam<Variable> {
 protected:
  RunnelProgram program_;
  const std::set<std::string> allowed_ = cores_of_threads(getpid());
};

TEST_P(BindingTest, LeavesEveryThreadOfTheJobOnTheCoresThatTheLauncherWasGiven) {
  if (sysconf(_SC_NPROCESSORS_ONLN) < 2) GTEST_SKIP() << "SKIPPED, NOT TESTED: one core cannot be told from all";
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"-n", "2", "--set", "trainer.threads=2"}),
           .environment = {GetParam()}});
  job.await_output("step 2/");
  EXPECT_EQ(job.processes().size(), 5U) << "launcher, mpirun and three ranks";
  for (const pid_t process : job.processes()) EXPECT_EQ(cores_of_threads(process), allowed_) << process;
  const std::string output = job.output();
  const std::string line = "warning: ignored: " + as_text(GetParam()) + "; ";
  EXPECT_NE(output.find(line), std::string::npos) << output;
  EXPECT_EQ(output.find(line), output.rfind(line)) << "more than one process says so:\n" << output;
}

TEST_P(BindingTest, LeavesTrainingAloneOnAllItsCores) {
  Job job({.argv = program_.train(endless() + std::vector<std::string>{"--alone", "--set", "trainer.threads=2"}),
           .environment = {GetParam()}});
  job.await_output("step 2/");
  EXPECT_EQ(cores_of_threads(job.pid()), allowed_);
}

TEST_P(BindingTest, IsReportedByRankZeroUnderMpirun) {
  Job job({.argv = program_.mpirun(3), .environment = {GetParam()}});
  EXPECT_EQ(job.wait_for_all(kJobTimeout), 0);
  const std::string line = "warning: ignored: " + as_text(GetParam()) + "; ";
  EXPECT_NE(job.output().find(line), std::string::npos) << job.output();
  EXPECT_EQ(job.output().find(line), job.output().rfind(line)) << job.output();
}

TEST_P(BindingTest, IsNamedByDoctor) {
  Job job(
      {.argv = {RUNNEL_PROGRAM, "doctor", "-n", "1", "--set", "trainer.device=cpu", "--set", "generator.device=cpu"},
       .environment = {GetParam()}});
  (void)job.wait_for_all(kJobTimeout);
  EXPECT_NE(job.output().find("  ignored: " + as_text(GetParam()) + "\n"), std::string::npos) << job.output();
}

INSTANTIATE_TEST_SUITE_P(Settings, BindingTest,
                         testing::Values(Variable("OMP_PROC_BIND", "close"), Variable("OMP_PROC_BIND", "true"),
                                         Variable("OMP_PLACES", "cores"), Variable("GOMP_CPU_AFFINITY", "0-1")),
                         name_of);

/// Settings with which libgomp gives fewer threads than trainer.threads; oneDNN waits for all.
class FewerThreadsTest : public testing::TestWithParam<Variable> {};

TEST_P(FewerThreadsTest, ChangesNoBit) {
  const RunnelProgram program;
  const std::vector<std::string> argv =
      program.train({"--alone", "--set", "trainer.threads=2", "--set", "run.max_gradients=2"});
  const std::string expected = program.run(argv)["parameters_sha256"];
  Job job({.argv = argv, .environment = {GetParam()}});
  EXPECT_EQ(job.wait_for_all(kJobTimeout), 0);
  EXPECT_EQ(program.report()["parameters_sha256"], expected);
  EXPECT_NE(job.output().find("warning: ignored: " + as_text(GetParam()) + "; "), std::string::npos) << job.output();
}

INSTANTIATE_TEST_SUITE_P(Settings, FewerThreadsTest,
                         testing::Values(Variable("OMP_DYNAMIC", "true"), Variable("OMP_THREAD_LIMIT", "1"),
                                         Variable("OMP_MAX_ACTIVE_LEVELS", "0")),
                         name_of);

/// What makes an interactive shell under a batch system a rank of its own, the only one.
using Shell = std::vector<Variable>;

class SingleRankTest : public testing::TestWithParam<Shell> {
 protected:
  /// Runs `argv` to its end, expects `status`, and gives its output.
  static std::string run(const std::vector<std::string>& argv, int status) {
    Job job({.argv = argv, .environment = GetParam()});
    EXPECT_EQ(job.wait_for_all(kJobTimeout), status) << job.output();
    return job.output();
  }

  RunnelProgram program_;
};

TEST_P(SingleRankTest, StartsItsOwnRanksWhenTheyAreAskedFor) {
  run(program_.train({"-n", "2"}), 0);
  EXPECT_EQ(program_.report()["processes"].size(), 3U);
}

TEST_P(SingleRankTest, IsToldWhatToDoWhenNoneAreAskedFor) {
  const std::string output = run(program_.train(), 64);
  EXPECT_NE(output.find("error: the launcher started 1 rank; "), std::string::npos) << output;
  EXPECT_NE(output.find("-n 2 to start them on this machine"), std::string::npos) << output;
}

TEST_P(SingleRankTest, NeedsNoLauncherForWhatIsNoJob) {
  EXPECT_NE(run(program_.train({"--print-config"}), 0).find("[trainer]"), std::string::npos);
  run({RUNNEL_PROGRAM, "--help"}, 0);
  run(program_.train({"--alone"}), 0);
}

TEST_P(SingleRankTest, IsDiagnosedAsTheMachineThatItIsOn) {
  const std::string output = run({"sh", "-c", "\"$@\"; [ $? -le 1 ]", "-", RUNNEL_PROGRAM, "doctor", "-n", "1"}, 0);
  EXPECT_NE(output.find(": ranks 0, 1\n"), std::string::npos) << output;
}

INSTANTIATE_TEST_SUITE_P(Launchers, SingleRankTest,
                         testing::Values(Shell{{"PMIX_RANK", "0"},
                                               {"PMIX_NAMESPACE", "slurm.pmix.7.0"},
                                               {"PMIX_SERVER_URI4", "pmix-server.1;tcp4://127.0.0.1:9"},
                                               {"PMIX_SERVER_URI41", "pmix-server.1;tcp4://127.0.0.1:9"},
                                               {"SLURM_NTASKS", "1"},
                                               {"SLURM_STEP_NUM_TASKS", "1"},
                                               {"SLURM_JOB_ID", "7"},
                                               {"SLURM_JOBID", "7"},
                                               {"SLURM_JOB_NODELIST", "n[1-2]"},
                                               {"SLURM_NODELIST", "n[1-2]"},
                                               {"SLURM_TASKS_PER_NODE", "1(x2)"}},
                                         Shell{{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}},
                                         Shell{{"OMPI_COMM_WORLD_RANK", "0"},
                                               {"OMPI_COMM_WORLD_SIZE", "1"},
                                               {"OMPI_MCA_ess", "^singleton"},
                                               {"OMPI_MCA_orte_hnp_uri", "1.0;tcp://127.0.0.1:9"}}),
                         [](const auto& test) {
                           return test.param.front().first.substr(0, test.param.front().first.find('_'));
                         });

class TasksWithoutPmixTest : public testing::Test {
 protected:
  std::string run(const std::vector<std::string>& argv, int status) {
    Job job({.argv = argv, .environment = {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "3"}}});
    EXPECT_EQ(job.wait_for_all(kJobTimeout), status) << job.output();
    return job.output();
  }

  RunnelProgram program_;
};

TEST_F(TasksWithoutPmixTest, AreRefusedAsEachWouldBeARunOfItsOwn) {
  for (const auto& argv : {program_.train(), program_.train({"-n", "2"}), {RUNNEL_PROGRAM, "doctor"}}) {
    const std::string output = run(argv, 64);
    EXPECT_TRUE(output.starts_with("error: srun started 3 tasks ")) << output;
    EXPECT_NE(output.find("srun --mpi=pmix"), std::string::npos) << output;
  }
}

TEST_F(TasksWithoutPmixTest, MayTrainAlone) {
  run(program_.train({"--alone"}), 0);
  run(program_.train({"--print-config"}), 0);
}

/// oneMKL would end the program with status 2 before main.
TEST(WorkingDirectoryTest, ThatIsDeletedEndsTheProgramWithALine) {
  const RunnelProgram program;
  const std::string gone = program.folder() / "gone";
  for (const char* way : {"-n2", "--alone", "--print-config"}) {
    Job job({.argv = std::vector<std::string>{"sh", "-c", "mkdir \"$0\" && cd \"$0\" && rmdir \"$0\" && exec \"$@\"",
                                              gone} +
                     program.train({way})});
    EXPECT_EQ(job.wait_for_all(kJobTimeout), 66);
    EXPECT_EQ(job.output(),
              "error: the working directory has been deleted; change to one that exists (cd) and start again\n");
  }
}

/// `ulimit -f`: a write beyond it is an error with the file's name, and no death by SIGXFSZ.
TEST(FileSizeLimitTest, IsReportedWithTheFile) {
  const RunnelProgram program;
  const std::string weights = program.folder() / "weights.safetensors";  // 4.8 MB
  Job job({.argv = std::vector<std::string>{"sh", "-c", "ulimit -f 2000; exec \"$@\"", "-"} +
                   program.train({"--alone", "--save", weights})});
  EXPECT_EQ(job.wait_for_all(kJobTimeout), 74);
  EXPECT_NE(job.output().find("error: " + weights + ": cannot be written: File too large"), std::string::npos)
      << job.output();
  EXPECT_FALSE(std::filesystem::exists(weights));
}

TEST(CpuTimeLimitTest, IsReported) {
  const RunnelProgram program;
  Job job({.argv = std::vector<std::string>{"bash", "-c", "ulimit -St 3; exec \"$@\"", "-"} +
                   program.train(endless() + std::vector<std::string>{"--alone"})});
  EXPECT_EQ(job.wait_for_all(kJobTimeout), 71);
  EXPECT_NE(job.output().find("error: ended by SIGXCPU: the limit of CPU time is used up; raise it with ulimit -t"),
            std::string::npos)
      << job.output();
  EXPECT_EQ(program.report()["exit"], 71);
}

}  // namespace
}  // namespace runnel::test
