// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/processes/open_mpi_5.h"
#include "tests/processes/runnel_program.h"

/// What mpirun meets, or does, before and beside the ranks.
namespace runnel::test {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr int kPeerLost = 69;
constexpr int kOsLimit = 71;
constexpr std::chrono::seconds kLimit{90};

constexpr auto kNoMount = "SKIPPED, NOT TESTED: mounting is not permitted here";
constexpr auto kNoName = "SKIPPED, NOT TESTED: naming the host is not permitted here";
constexpr auto kNoNetwork = "SKIPPED, NOT TESTED: a network namespace is not permitted here";

/// `argv` after a shell's `command`, in namespaces of its own.
Words in_own(const Words& namespaces, const std::string& command, const Words& argv) {
  return Words{"unshare"} + namespaces + Words{"bash", "-c", command + R"( && exec "$@")", "bash"} + argv;
}

/// As a user whom the system does not know, and who has no other processes, with the one privilege that Job leaves to
/// nobody: the build may lie below /root. mpirun asks access() whether it can execute a program, which counts
/// privileges of unknown users with that secure bit only.
Words as_unknown_user() {
  return {"setpriv",
          "--reuid=54321",
          "--regid=54321",
          "--clear-groups",
          "--securebits=+no_setuid_fixup",
          "--bounding-set=-all,+dac_read_search",
          "--inh-caps=-all,+dac_read_search",
          "--ambient-caps=+dac_read_search",
          "env",
          "-u",
          "HOME"};
}

class MpirunTest : public testing::Test {
 protected:
  MpirunTest() { fs::create_directory(temporary_); }

  /// A script in the place of mpirun, which finds the real one when it removes the first entry of PATH.
  Command with_mpirun(const std::string& script, bool is_5 = false) const {
    const fs::path folder = program_.folder() / "bin";
    fs::create_directory(folder);
    std::ofstream(folder / "mpirun") << "#!/bin/sh\n" << script;
    fs::permissions(folder / "mpirun", fs::perms::owner_all);
    Command command{.argv = program_.train({"-n", "2"}), .environment = {{"PATH", std::getenv("PATH")}}};
    if (is_5) command.environment.clear();
    if (is_5) OpenMpi5::use_in(command);
    for (auto& [name, value] : command.environment) {
      if (name == "PATH") value.insert(0, folder.string() + ":");
    }
    command.environment.emplace_back("TMPDIR", temporary_);
    return command;
  }

  static bool is_permitted(const Words& argv) { return Job({.argv = argv}).wait_for_all(kLimit) == 0; }

  /// Whether the log of the interposer has the call.
  bool has_called(int rank, const std::string& function) const {
    std::ifstream calls(log_ + "." + std::to_string(rank));
    for (std::string line; std::getline(calls, line);) {
      if (line == function) return true;
    }
    return false;
  }

  RunnelProgram program_;
  std::string log_ = program_.folder() / "calls";
  fs::path temporary_ = program_.folder() / "tmp";
};

TEST_F(MpirunTest, ItsWordsAreShownWhenItFails) {
  const std::string rule(74, '-');
  Job job(with_mpirun("echo '" + rule + "\nThere is no such thing.\n" + rule + "' >&2; exit 213\n"));
  EXPECT_EQ(job.wait_for_all(kLimit), kOsLimit);
  EXPECT_NE(job.output().find("mpirun wrote:\nThere is no such thing.\nerror: mpirun ended with status 213; "),
            std::string::npos)
      << job.output();
  EXPECT_NE(job.output().find(" -n 3 " RUNNEL_PROGRAM " train " + program_.config()), std::string::npos)
      << "no command to repeat:\n"
      << job.output();
}

/// Its status is then 128 and more, as after a death by a signal: 132 with Open MPI 4, 183 with 5.
TEST_F(MpirunTest, ItsWordsAreShownWhenItCannotStartARank) {
  for (const bool is_5 : {false, true}) {
    if (is_5 && !OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
    Job job(with_mpirun("PATH=${PATH#*:}\nexec mpirun -n 2 /no/such/program\n", is_5));
    EXPECT_EQ(job.wait_for_all(kLimit), kOsLimit) << job.output();
    EXPECT_NE(job.output().find("mpirun wrote:\n"), std::string::npos) << job.output();
    EXPECT_NE(job.output().find("Executable: /no/such/program\n"), std::string::npos) << job.output();
    EXPECT_NE(job.output().find(std::string("error: mpirun ended with status ") + (is_5 ? "183; " : "132; ")),
              std::string::npos)
        << job.output();
  }
}

/// 127 is also what a shell gives on a host that has no Open MPI.
TEST_F(MpirunTest, ItsWordsAreShownWhenTheRemoteShellFindsNoDaemon) {
  const std::string agent = program_.folder() / "agent";
  std::ofstream(agent) << "#!/bin/sh\nexit 127\n";
  fs::permissions(agent, fs::perms::owner_all);
  Job job({.argv = {RUNNEL_PROGRAM, "doctor", "--hosts", "there.invalid:3"},
           .environment = {{"OMPI_MCA_plm_rsh_agent", agent}}});
  job.wait_for_all(kLimit);
  EXPECT_NE(job.output().find("mpirun wrote:\n"), std::string::npos) << job.output();
  EXPECT_NE(job.output().find("not tried: mpirun ended with status 127; "), std::string::npos) << job.output();
}

TEST_F(MpirunTest, ItsWordsAreNotShownWhenARankHasReported) {
  Job job({.argv = program_.train(endless() + Words{"-n", "2"})});
  job.await_output("step 3/");
  kill(job.await_rank(1), SIGKILL);
  EXPECT_EQ(job.wait_for_all(kLimit), kPeerLost);
  EXPECT_EQ(job.output().find("mpirun"), std::string::npos) << job.output();
  EXPECT_EQ(job.output().find("----"), std::string::npos) << job.output();
}

TEST_F(MpirunTest, ItIsKilledWhenItWaitsForRanksThatHaveEnded) {
  Job job(with_mpirun("sleep 0 &\nexec sleep 1000\n"));
  EXPECT_EQ(job.wait_for_all(kLimit), kPeerLost);
  EXPECT_NE(job.output().find("error: all ranks have ended, but mpirun has not; mpirun was killed"), std::string::npos)
      << job.output();
}

TEST_F(MpirunTest, ALittleRoomInTmpdirIsEnoughAndLessIsReported) {
  if (!is_permitted(in_own({"--mount"}, "mount -t tmpfs none /mnt", {"true"}))) GTEST_SKIP() << kNoMount;
  for (const auto& [size, status] :
       {std::pair{"4k,nr_inodes=100", kOsLimit}, std::pair{"1m,nr_inodes=4", kOsLimit},
        std::pair{"72k,nr_inodes=100", 0}, std::pair{"1m,nr_inodes=100", 0}, std::pair{"6m,nr_inodes=100", 0}}) {
    const std::string mount = std::string("mount -t tmpfs -o size=") + size + " none /mnt && export TMPDIR=/mnt";
    Job job({.argv = in_own({"--mount"}, mount, program_.train({"-n", "2"}))});
    EXPECT_EQ(job.wait_for_all(kLimit), status) << size << "\n" << job.output();
    const bool is_first_line = job.output().starts_with("error: TMPDIR /mnt is full: ");
    EXPECT_EQ(is_first_line, status != 0) << size << "\n" << job.output();
  }
}

TEST_F(MpirunTest, AnyNameOfTheHostWill) {
  if (!is_permitted(in_own({"--uts"}, "echo host > /proc/sys/kernel/hostname", {"true"}))) GTEST_SKIP() << kNoName;
  for (const char* name : {"a_b", "a b", "grün", "a.b-1"}) {
    const std::string command = "echo '" + std::string(name) + "' > /proc/sys/kernel/hostname";
    Job job({.argv = in_own({"--uts"}, command, program_.train({"-n", "1"}))});
    EXPECT_EQ(job.wait_for_all(kLimit), 0) << name << "\n" << job.output();
  }
}

TEST_F(MpirunTest, WithoutNetworkTheReasonIsShown) {
  if (!is_permitted({"unshare", "--net", "true"})) GTEST_SKIP() << kNoNetwork;
  Job job({.argv = Words{"unshare", "--net"} + program_.train({"-n", "1"})});
  EXPECT_EQ(job.wait_for_all(kLimit), kOsLimit);
  EXPECT_NE(job.output().find("unable to find network interfaces"), std::string::npos) << job.output();
}

TEST_F(MpirunTest, AUserWhomTheSystemDoesNotKnowNeedsNoHome) {
  if (geteuid() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can start a run as another user";
  fs::permissions(temporary_, fs::perms::all);
  for (const bool is_5 : {false, true}) {
    Command command{.argv = as_unknown_user() + program_.train({"-n", "1"}), .environment = {{"TMPDIR", temporary_}}};
    if (is_5 && !OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
    if (is_5) OpenMpi5::use_in(command);
    Job job(command);
    EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  }
}

TEST_F(MpirunTest, TooFewProcessesAreALimitOfTheSystem) {
  if (geteuid() != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: only root can start a run as another user";
  fs::permissions(temporary_, fs::perms::all);
  for (const char* limit : {"1", "4", "6", "8", "100"}) {
    const Words limited = {"prlimit", std::string("--nproc=") + limit};
    Job job(
        {.argv = as_unknown_user() + limited + program_.train({"-n", "1"}), .environment = {{"TMPDIR", temporary_}}});
    const int status = job.wait_for_all(kLimit);
    EXPECT_TRUE(status == kOsLimit || (status == 0 && limit == std::string("100"))) << limit << "\n" << job.output();
    if (status != 0) {
      EXPECT_NE(job.output().find("ulimit -u"), std::string::npos) << limit << "\n" << job.output();
    }
  }
}

TEST_F(MpirunTest, ASiteThatTagsOutputDoesNotBreakADocument) {
  for (const char* variable : {"OMPI_MCA_orte_tag_output", "OMPI_MCA_orte_timestamp_output"}) {
    Job job(
        {.argv = {"bash", "-c", "exec 2>/dev/null; exec \"$@\"", "bash", RUNNEL_PROGRAM, "doctor", "-n", "1", "--json"},
         .environment = {{variable, "1"}}});
    job.wait_for_all(kLimit);
    EXPECT_FALSE(nlohmann::json::parse(job.output(), nullptr, false).is_discarded()) << job.output();
  }
}

/// Stopped while MPI has its own shared memory.
TEST_F(MpirunTest, AJobThatIsStoppedInItsBootstrapLeavesNoSharedMemory) {
  for (const bool is_5 : {false, true}) {
    if (is_5 && !OpenMpi5::is_installed()) GTEST_SKIP() << OpenMpi5::kSkipped;
    const SharedMemoryGuard memory;
    fs::remove(log_ + ".2");
    Command command{.argv = program_.train({"-n", "2"}),
                    .environment = {{"LD_PRELOAD", RUNNEL_MPI_INTERPOSER},
                                    {"RUNNEL_TEST_MPI_LOG", log_},
                                    {"RUNNEL_TEST_MPI_DELAY", "2:MPI_Iallgather:60"}}};
    if (is_5) OpenMpi5::use_in(command);
    Job job(command);
    const auto until = Job::Clock::now() + std::chrono::seconds(60);
    while (!has_called(2, "MPI_Iallgather") && Job::Clock::now() < until) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_TRUE(has_called(2, "MPI_Iallgather")) << job.output();
    kill(job.pid(), SIGINT);
    EXPECT_EQ(job.wait_for_all(kLimit), 130) << job.output();
    EXPECT_EQ(memory.left(), Words()) << "Open MPI " << (is_5 ? 5 : 4);
  }
}

/// A rank that gets no core for a while is waited for, for as long as run.timeout_s says.
TEST_F(MpirunTest, ASlowRankIsWaitedForInTheBootstrap) {
  for (const char* function : {"MPI_Init", "MPI_Iallgather"}) {
    Job job({.argv = program_.train({"-n", "2"}),
             .environment = {{"LD_PRELOAD", RUNNEL_MPI_INTERPOSER},
                             {"RUNNEL_TEST_MPI_DELAY", std::string("2:") + function + ":8"}}});
    EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  }
}

TEST_F(MpirunTest, TheNextLauncherRemovesTheFolderOfOneThatWasKilled) {
  const Command command{.argv = program_.train(endless() + Words{"-n", "2"}), .environment = {{"TMPDIR", temporary_}}};
  {
    Job job(command);
    job.await_output("step 1/");
    kill(job.pid(), SIGKILL);
    job.wait_for_all(kLimit);
  }
  ASSERT_FALSE(fs::is_empty(temporary_)) << "nothing is left to remove: what is this test for?";
  Job living(command);
  living.await_output("step 1/");
  Job job({.argv = program_.train({"-n", "1"}), .environment = command.environment});
  EXPECT_EQ(job.wait_for_all(kLimit), 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(temporary_), fs::directory_iterator()), 1) << "that of the living one";
  kill(living.pid(), SIGTERM);
  living.wait_for_all(kLimit);
  EXPECT_TRUE(fs::is_empty(temporary_));
}

}  // namespace
}  // namespace runnel::test
