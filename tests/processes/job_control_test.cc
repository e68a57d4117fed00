// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include "tests/processes/runnel_program.h"
#include "tests/processes/terminal.h"

/// A job in a terminal, under a shell with job control: a user types.
namespace runnel::test {
namespace {

constexpr const char* kControlC = "\x03";
constexpr const char* kControlZ = "\x1a";
constexpr const char* kControlBackslash = "\x1c";

/// The letter of /proc/PID/stat: 'T' is stopped.
char state_of(pid_t process) {
  std::string record;
  std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), record);
  const std::size_t name_end = record.rfind(')');
  return name_end + 2 < record.size() ? record[name_end + 2] : '?';
}

class JobControlTest : public testing::Test {
 protected:
  /// A command line for the shell.
  std::string line(const std::vector<std::string>& argv) const {
    std::string text;
    for (const std::string& word : argv) text += "'" + word + "' ";
    return text;
  }

  std::string endless_job(const std::string& timeout_s = "60") const {
    return line(program_.train(endless() + std::vector<std::string>{"-n", "2", "--set", "run.timeout_s=" + timeout_s}));
  }

  /// The status of the last command, as the shell has it.
  void expect_status(int status) {
    terminal_.type("echo status=$?.\n");
    terminal_.await("status=" + std::to_string(status) + ".");
  }

  /// All processes but the shell.
  std::vector<pid_t> job() const {
    std::vector<pid_t> processes = shell_.processes();
    std::erase(processes, shell_.pid());
    return processes;
  }

  template <class Condition>
  static void await(const char* what, Condition&& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), until) << "never true: " << what;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  bool all_are_stopped() const {
    const auto processes = job();
    return std::ranges::all_of(processes, [](pid_t process) { return state_of(process) == 'T'; });
  }

  RunnelProgram program_;
  Terminal terminal_;
  Job shell_{{.argv = {"setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"},
              .environment = {{"TERM", "dumb"}, {"PS1", "$ "}},
              .terminal = terminal_.name()}};
};

TEST_F(JobControlTest, AJobMayWriteToATerminalThatStopsBackgroundJobs) {
  terminal_.type("stty tostop; " + line(program_.train({"-n", "2"})) + "\n");
  terminal_.await("parameters sha256 ");
  expect_status(0);
}

TEST_F(JobControlTest, ControlZSuspendsAllAndNobodyIsLostAfterwards) {
  // Shorter than the suspension: a wait that counted it would end as late.
  terminal_.type(endless_job("1.5") + "\n");
  terminal_.await("step 3/");
  EXPECT_EQ(job().size(), 5U) << "launcher, mpirun and three ranks";
  terminal_.type(kControlZ);
  terminal_.await("Stopped");
  await("all are stopped", [&] { return all_are_stopped(); });
  const std::size_t before = terminal_.output().size();
  std::this_thread::sleep_for(std::chrono::seconds(4));  // longer than run.timeout_s and a heartbeat's 2 s
  EXPECT_EQ(terminal_.output().size(), before) << "written while suspended:\n" << terminal_.output();
  terminal_.type("fg\n");
  terminal_.await("step ", before + 200);
  terminal_.type(kControlC);
  terminal_.await("error: interrupted by SIGINT; ");
  expect_status(130);
  for (const char* loss : {"lost", "late", "warning"}) {
    EXPECT_EQ(terminal_.output().find(loss), std::string::npos) << terminal_.output();
  }
}

TEST_F(JobControlTest, ASuspendedJobGoesOnInTheBackground) {
  terminal_.type(endless_job() + "\n");
  terminal_.await("step 3/");
  terminal_.type(kControlZ);
  terminal_.await("Stopped");
  const std::size_t before = terminal_.output().size();
  terminal_.type("bg\n");
  terminal_.await("step ", before + 200);
  terminal_.type("kill %1; wait %1\n");
  terminal_.await("error: ended by SIGTERM; ");
  await("all have ended", [&] { return job().empty(); });
}

TEST_F(JobControlTest, ControlCAndControlBackslashEndAllWithOneLine) {
  for (const auto& [key, text, status] : {std::tuple(kControlC, "error: interrupted by SIGINT; ", 130),
                                          std::tuple(kControlBackslash, "error: ended by SIGQUIT; ", 143)}) {
    const std::size_t before = terminal_.output().size();
    terminal_.type(endless_job() + "\n");
    terminal_.await("step 3/", before + endless_job().size());
    terminal_.type(key);
    terminal_.await(text, before);
    expect_status(status);
    const std::string output = terminal_.output().substr(before);
    EXPECT_EQ(output.find("error: "), output.rfind("error: ")) << output;
    EXPECT_EQ(job(), std::vector<pid_t>());
  }
}

TEST_F(JobControlTest, ASecondSignalEndsAProcessThatHangs) {
  terminal_.type("(" + line(program_.train(endless() + std::vector<std::string>{"--alone"})) + ")\n");
  terminal_.await("step 3/");
  await("only the program is left", [&] { return job().size() == 1; });
  const pid_t program = job().front();
  terminal_.type("\x13");  // Ctrl-S: whoever writes to the terminal hangs
  await("it hangs", [&] { return state_of(program) == 'S'; });
  kill(program, SIGINT);
  kill(program, SIGTERM);  // a second SIGINT could become one with the first
  await("it has ended", [&] { return job().empty(); });
}

/// TERM, and whether the terminal obeys escape sequences.
class EscapeTest : public JobControlTest, public testing::WithParamInterface<std::pair<std::string, bool>> {};

TEST_P(EscapeTest, AreWrittenToTerminalsThatObeyThem) {
  for (const char* way : {"-n2", "--alone"}) {
    const std::size_t before = terminal_.output().size();
    terminal_.type(GetParam().first + "; " + line(program_.train({way})) + "\n");
    terminal_.await("parameters sha256 ", before);
    const std::string output = terminal_.output().substr(before);
    EXPECT_EQ(output.find("\x1b[K") != std::string::npos, GetParam().second) << way << ":\n" << output;
  }
}

INSTANTIATE_TEST_SUITE_P(Terminals, EscapeTest,
                         testing::Values(std::pair("export TERM=xterm", true), std::pair("export TERM=dumb", false),
                                         std::pair("unset TERM", false)),
                         [](const auto& test) {
                           const std::string& setting = test.param.first;
                           return setting.substr(setting.find_first_of(" =") + 1, 5) == "TERM="
                                      ? setting.substr(setting.find('=') + 1)
                                      : "unset";
                         });

}  // namespace
}  // namespace runnel::test
