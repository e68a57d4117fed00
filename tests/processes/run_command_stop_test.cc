// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/processes/job.h"
#include "tests/processes/terminal.h"

/// Somebody stops or suspends `runnel run`.
namespace runnel::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kLimit{50};
constexpr const char* kControlC = "\x03";
constexpr const char* kControlZ = "\x1a";

/// Two trainers that take part, and go on until something ends them.
std::string endless_job() {
  return std::string(RUNNEL_RUN_PROGRAM) + " -n 2 -- " + RUNNEL_SMALL_TRAINER + " 1000000000";
}

/// A trainer that counts how often it is told to stop, and ends with `status`.
std::string counting_job(const std::string& status) {
  return std::string(RUNNEL_RUN_PROGRAM) +
         " -n 2 -- bash -c 'n=0; trap \"n=\\$((n+1)); echo told\" INT TERM HUP QUIT; " +
         "echo ready; while [ $n = 0 ]; do sleep 0.1; done; sleep 0.5; echo times=$n; exit " + status + "'";
}

char state_of(pid_t process) {
  std::string record;
  std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), record);
  const std::size_t name_end = record.rfind(')');
  return name_end + 2 < record.size() ? record[name_end + 2] : '?';
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++count;
  return count;
}

template <class Condition>
void await(const char* what, Condition&& condition) {
  const auto until = std::chrono::steady_clock::now() + kLimit;
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "never true: " << what;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

class RunStopTest : public testing::TestWithParam<int> {
 protected:
  void TearDown() override { EXPECT_EQ(memory_.left(), std::vector<std::string>()); }

  static int status() { return 128 + (GetParam() == SIGINT ? SIGINT : SIGTERM); }

  const SharedMemoryGuard memory_;
};

TEST_P(RunStopTest, EndsAJobWithOneLineOfTheLaunchers) {
  Job job({.argv = {"bash", "-c", "exec " + endless_job()}});
  job.await_output("] step 3\n");
  kill(job.pid(), GetParam());
  EXPECT_EQ(job.wait_for_all(kLimit), status()) << job.output();
  EXPECT_EQ(count_of(job.output(), "error: "), 1U) << job.output();
  EXPECT_THAT(job.output(), HasSubstr("by SIG" + std::string(sigabbrev_np(GetParam()))));
}

TEST_P(RunStopTest, IsPassedOnOnceAndTrainersMayEndAsTheyLike) {
  for (const std::string its : {"0", "9"}) {
    Job job({.argv = {"bash", "-c", "exec " + counting_job(its)}});
    await("both are ready", [&] { return count_of(job.output(), "] ready\n") == 2; });
    kill(job.pid(), GetParam());
    EXPECT_EQ(job.wait_for_all(kLimit), its == "0" ? 0 : status()) << job.output();
    EXPECT_EQ(count_of(job.output(), "] times=1\n"), 2U) << job.output();
  }
}

INSTANTIATE_TEST_SUITE_P(Signals, RunStopTest, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGQUIT),
                         [](const auto& test) { return std::string(sigabbrev_np(test.param)); });

TEST(RunStop, ASecondSignalEndsTrainersThatDoNot) {
  Job job({.argv = {"bash", "-c",
                    std::string("exec ") + RUNNEL_RUN_PROGRAM +
                        " -n 2 -- bash -c 'trap \"echo told\" TERM; echo ready; while :; do sleep 0.1; done'"}});
  await("both are ready", [&] { return count_of(job.output(), "] ready\n") == 2; });
  kill(job.pid(), SIGTERM);
  await("both were told", [&] { return count_of(job.output(), "] told\n") == 2; });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // so that it is another one
  kill(job.pid(), SIGTERM);
  EXPECT_EQ(job.wait_for_all(kLimit), 143) << job.output();
}

TEST(RunStop, SignalsOfTheUsersAreForTheTrainers) {
  Job job(
      {.argv = {"bash", "-c",
                std::string("exec ") + RUNNEL_RUN_PROGRAM +
                    " -n 2 -- bash -c 'trap \"echo noted; exit 0\" USR1; echo ready; while :; do sleep 0.1; done'"}});
  await("both are ready", [&] { return count_of(job.output(), "] ready\n") == 2; });
  kill(job.pid(), SIGUSR1);
  EXPECT_EQ(job.wait_for_all(kLimit), 0) << job.output();
  EXPECT_EQ(count_of(job.output(), "] noted\n"), 2U);
}

/// In a terminal, under a shell with job control.
class RunTerminalTest : public testing::Test {
 protected:
  /// All processes but the shell.
  std::vector<pid_t> job() const {
    std::vector<pid_t> processes = shell_.processes();
    std::erase(processes, shell_.pid());
    return processes;
  }

  Terminal terminal_;
  Job shell_{{.argv = {"setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"},
              .environment = {{"TERM", "dumb"}, {"PS1", "$ "}},
              .terminal = terminal_.name()}};
};

TEST_F(RunTerminalTest, ControlCReachesEachTrainerOnce) {
  terminal_.type(counting_job("9") + "\n");
  await("both are ready", [&] { return count_of(terminal_.output(), "] ready\r\n") == 2; });
  terminal_.type(kControlC);
  terminal_.await("error: interrupted by SIGINT; ");
  terminal_.type("echo status=$?.\n");
  terminal_.await("status=130.");
  EXPECT_EQ(count_of(terminal_.output(), "] times=1\r\n"), 2U) << terminal_.output();
  EXPECT_EQ(job(), std::vector<pid_t>());
}

TEST_F(RunTerminalTest, ControlZSuspendsAllAndNobodyIsLostAfterwards) {
  terminal_.type(endless_job() + "\n");
  terminal_.await("] step 3\r\n");
  EXPECT_EQ(job().size(), 4U) << "launcher, generator and two trainers";
  terminal_.type(kControlZ);
  terminal_.await("Stopped");
  await("all are stopped", [&] {
    const auto processes = job();
    return std::ranges::all_of(processes, [](pid_t process) { return state_of(process) == 'T'; });
  });
  const std::size_t before = terminal_.output().size();
  std::this_thread::sleep_for(std::chrono::seconds(3));  // longer than a heartbeat's 2 s
  EXPECT_EQ(terminal_.output().size(), before) << "written while suspended:\n" << terminal_.output();
  terminal_.type("fg\n");
  terminal_.await("] step ", before + endless_job().size());
  std::this_thread::sleep_for(std::chrono::seconds(3));  // a loss would be found by now
  terminal_.type(kControlC);
  terminal_.await("error: interrupted by SIGINT; ");
  EXPECT_THAT(terminal_.output().substr(before), Not(HasSubstr("lost")));
}

TEST_F(RunTerminalTest, OneTrainerHasTheTerminalItself) {
  terminal_.type(std::string(RUNNEL_RUN_PROGRAM) + " -n 1 -- bash -c 'test -t 1 && read line && echo got $line.'\n");
  terminal_.type("something\n");
  terminal_.await("got something.");
}

}  // namespace
}  // namespace runnel::test
