// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/processes/job.h"
#include "tests/support/temporary_folder.h"

/// `runnel run` with real processes: what users of scripts and programs of their own start.
namespace runnel::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

constexpr std::chrono::seconds kLimit{50};
constexpr const char* kEndless = "1000000000";

std::string text_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class RunCommandTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(memory_.left(), Words()) << "shared memory was left behind"; }

  static Words command(const Words& options, const Words& program) {
    Words words = {RUNNEL_RUN_PROGRAM};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("--");
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }

  /// Trainers of small_trainer.cc.
  static Words trainers(const Words& options, const Words& arguments) {
    Words program = {RUNNEL_SMALL_TRAINER};
    program.insert(program.end(), arguments.begin(), arguments.end());
    return command(options, program);
  }

  static Words shell(const Words& options, const std::string& script) { return command(options, {"sh", "-c", script}); }

  /// Runs it to its end, and gives what all have written.
  static std::string run(const Command& command, int status) {
    Job job(command);
    EXPECT_EQ(job.wait_for_all(kLimit), status) << job.output();
    return job.output();
  }
  static std::string run(const Words& words, int status = 0) { return run(Command{.argv = words}, status); }

  std::string file(const std::string& name) const { return folder_.path() / name; }

  const SharedMemoryGuard memory_;
  const TemporaryFolder folder_;
};

TEST_F(RunCommandTest, TrainsWithAProgramOfTheUsers) {
  for (const char* generators : {"1", "2"}) {
    const std::string output = run(trainers({"-n", "2", "--generators", generators}, {"20"}));
    EXPECT_THAT(output, HasSubstr("[trainer 0] trained\n"));
    EXPECT_THAT(output, HasSubstr("[trainer 1] trained\n"));
    EXPECT_THAT(output, Not(HasSubstr("error")));
  }
}

TEST_F(RunCommandTest, AShellMayStandBetween) {
  const std::string trainer = std::string(RUNNEL_SMALL_TRAINER) + " 20; exit $?";
  EXPECT_THAT(run(shell({"-n", "2"}, trainer)), HasSubstr("[trainer 1] trained\n"));
}

TEST_F(RunCommandTest, SettingsReachTheGenerators) {
  std::ofstream(file("job.toml")) << "transport.bucket_bytes = 32768\n[run]\ntimeout_s = 70\n";
  run(trainers({"-n", "1", "--config", file("job.toml"), "--set", "optimizer.name=sgd", "--set", "run.timeout_s=80",
                "--report", file("report.json")},
               {"5"}));
  const auto report = nlohmann::json::parse(text_of(file("report.json")));
  EXPECT_EQ(report["exit"], 0);
  EXPECT_EQ(report["steps"], 5);
  EXPECT_EQ(report["config"]["transport"]["bucket_bytes"], 32768);
  EXPECT_EQ(report["config"]["run"]["timeout_s"], 80.0) << "--set wins over the file";
  EXPECT_EQ(report["config"]["optimizer"]["name"], "sgd");
}

TEST_F(RunCommandTest, TracesWhatEveryProcessDoes) {
  constexpr int kGenerators = 2;
  for (const std::string path : {"mapped", "emulated"}) {
    SCOPED_TRACE(path);
    run(trainers({"-n", "2", "--generators", "2", "--trace", file("trace.json"), "--set", "transport.path=" + path},
                 {"5"}));
    std::map<int, std::string> processes;
    std::map<int, std::set<std::string>> events;  // of step 3
    const auto trace = nlohmann::json::parse(text_of(file("trace.json")));
    for (const auto& one : trace["traceEvents"]) {
      const int rank = one["pid"];
      if (one["name"] == "process_name") processes[rank] = one["args"]["name"].get<std::string>();
      if (one["args"].value("step", 0) == 3) events[rank].insert(one["name"].get<std::string>());
    }
    ASSERT_EQ(processes.size(), 4U);
    for (int rank = 0; rank < 4; ++rank) {
      const bool generates = rank < kGenerators;
      EXPECT_THAT(processes[rank], HasSubstr((generates ? "generator " : "trainer ") +
                                             std::to_string(generates ? rank : rank - kGenerators)));
      EXPECT_THAT(events[rank],
                  testing::IsSupersetOf(generates          ? Words{"wait", "bell", "reduce + optimize", "publish"}
                                        : path == "mapped" ? Words{"wait", "bucket ready", "bell"}
                                                           : Words{"wait", "bucket ready", "put", "fetch"}));
    }
  }
}

TEST_F(RunCommandTest, AFilesKeysForAnotherOptimizerAreIgnoredWithALine) {
  std::ofstream(file("job.toml")) << "optimizer = { name = 'sgd', lr = 0.5, momentum = 0.9 }\n";
  const std::string output =
      run(trainers({"-n", "1", "--config", file("job.toml"), "--set", "optimizer.name=adam"}, {"5"}));
  EXPECT_THAT(output, HasSubstr("optimizer.momentum are ignored"));
}

TEST_F(RunCommandTest, TrainersFindTheirPlaceInTheEnvironment) {
  const std::string output =
      run({.argv = shell({"-n", "3"},
                         "echo $RANK/$WORLD_SIZE $LOCAL_RANK/$LOCAL_WORLD_SIZE $MASTER_ADDR:$MASTER_PORT "
                         "omp=$OMP_NUM_THREADS bind=$OMP_PROC_BIND. $GLIBC_TUNABLES"),
           .environment = {{"OMP_PROC_BIND", "close"}, {"GLIBC_TUNABLES", "glibc.rtld.nns=4"}}},
          0);
  EXPECT_THAT(output, testing::ContainsRegex("\\[trainer 2\\] 2/3 2/3 127.0.0.1:[0-9]+ omp=1 bind=. "
                                             "glibc.rtld.nns=4:glibc.malloc.mmap_threshold="));
  EXPECT_THAT(output, HasSubstr("OMP_NUM_THREADS is not set"));
  EXPECT_THAT(output, HasSubstr("ignored: OMP_PROC_BIND=close"));
}

TEST_F(RunCommandTest, WhatTheUserHasSetStays) {
  const std::string output =
      run({.argv = shell({"-n", "2"}, "echo omp=$OMP_NUM_THREADS $GLIBC_TUNABLES"),
           .environment = {{"OMP_NUM_THREADS", "3"}, {"GLIBC_TUNABLES", "glibc.malloc.arena_max=1"}}},
          0);
  EXPECT_THAT(output, HasSubstr("[trainer 1] omp=3 glibc.malloc.arena_max=1\n"));
  EXPECT_THAT(output, Not(HasSubstr("OMP_NUM_THREADS")));
}

TEST_F(RunCommandTest, ScriptsArePythonsAndTheirOptionsTheirOwn) {
  std::ofstream(file("script.py")) << "echo \"script $1 $2 $3\"\n";
  const Words words = {RUNNEL_RUN_PROGRAM, "-n", "1", "--python", "sh", file("script.py"), "-n", "7", "--set"};
  EXPECT_THAT(run(words), HasSubstr("script -n 7 --set\n"));
  EXPECT_THAT(
      run({.argv = {RUNNEL_RUN_PROGRAM, "-n1", file("script.py"), "a"}, .environment = {{"RUNNEL_PYTHON", "sh"}}}, 0),
      HasSubstr("script a"));
}

TEST_F(RunCommandTest, EachLineOfBothOutputsComesWholeWithItsPrefix) {
  const std::string lines = "i=0; while [ $i -lt 3000 ]; do echo \"out $i\"; echo \"err $i\" >&2; i=$((i+1)); done; ";
  const std::string line = [&] {
    std::string text;
    for (const auto& word : shell({"-n", "3"}, lines + "printf last")) text += "'" + word + "' ";
    return text;
  }();
  run({.argv = {"bash", "-c", line + ">" + file("out") + " 2>" + file("err")},
       .environment = {{"OMP_NUM_THREADS", "1"}}},
      0);
  for (const std::string name : {"out", "err"}) {
    std::map<std::string, int> next;  // of each trainer
    std::istringstream written(text_of(file(name)));
    for (std::string text; std::getline(written, text);) {
      const std::size_t end = text.find("] ");
      if (text.starts_with("warning: ")) continue;
      ASSERT_NE(end, std::string::npos) << text;
      int& i = next[text.substr(0, end + 2)];
      const std::string expected = i == 3000 ? "last" : name + " " + std::to_string(i);
      ASSERT_EQ(text.substr(end + 2), expected);
      ++i;
    }
    EXPECT_EQ(next.size(), 3U);
    for (const auto& [prefix, count] : next) EXPECT_EQ(count, name == "out" ? 3001 : 3000) << prefix;
  }
}

TEST_F(RunCommandTest, WithoutPrefixesLinesStayAsTheyAre) {
  EXPECT_THAT(run(shell({"-n", "2", "--no-prefix"}, "echo from $RANK")), HasSubstr("\nfrom 1\n"));
  EXPECT_THAT(run(shell({"-n", "1"}, "echo from $RANK")), testing::StartsWith("from 0\n"));
}

TEST_F(RunCommandTest, AnOutputThatNobodyReadsEndsTheRun) {
  const std::string words = std::string(RUNNEL_RUN_PROGRAM) + " -n 2 -- yes";
  EXPECT_EQ(run({.argv = {"bash", "-c", words + " | head -1; exit ${PIPESTATUS[0]}"},
                 .environment = {{"OMP_NUM_THREADS", "1"}}},
                141)
                .substr(0, 9),
            "[trainer ");
}

TEST_F(RunCommandTest, TheFirstFailureDecidesTheStatusAndEndsAll) {
  const std::string output = run(trainers({"-n", "3"}, {kEndless, "1", "status3"}), 3);
  EXPECT_THAT(output, HasSubstr("[trainer 1] small trainer: the user's own error\n"));
  EXPECT_THAT(output, HasSubstr("[trainer 0] small trainer: trainer 1 is lost"));
  EXPECT_THAT(output, HasSubstr("error: trainer 1 ended with status 3; the run ends here"));
}

TEST_F(RunCommandTest, ProcessesThatCannotFindAFailureAreEnded) {
  const std::string output = run(shell({"-n", "3"}, "test $RANK != 1 || exit 5; exec sleep 1000"), 5);
  EXPECT_THAT(output, HasSubstr("error: trainer 1 ended with status 5"));
}

TEST_F(RunCommandTest, DeathBySignalIsNamed) {
  const std::string output = run(trainers({"-n", "2"}, {kEndless, "1", "kill"}), 128 + SIGKILL);
  EXPECT_THAT(output, HasSubstr("error: trainer 1 was ended by SIGKILL (killed, or out of memory: see dmesg)"));
  EXPECT_THAT(output, HasSubstr("[trainer 0] small trainer: trainer 1 is lost"));
}

TEST_F(RunCommandTest, AKilledGeneratorEndsTheRun) {
  Job job({.argv = trainers({"-n", "2", "--generators", "2"}, {kEndless})});
  job.await_output("] step 3\n");
  for (const pid_t pid : job.processes()) {
    if (text_of("/proc/" + std::to_string(pid) + "/environ").find(std::string("RUNNEL_LOCAL_RANK=1") + '\0') !=
        std::string::npos) {
      kill(pid, SIGKILL);
    }
  }
  EXPECT_EQ(job.wait_for_all(kLimit), 128 + SIGKILL);
  EXPECT_THAT(job.output(), HasSubstr("error: generator 1 was ended by SIGKILL"));
  EXPECT_THAT(job.output(), HasSubstr("small trainer: generator 1 is lost"));
}

TEST_F(RunCommandTest, AKilledLauncherLeavesNoProcess) {
  Job job({.argv = trainers({"-n", "2"}, {kEndless})});
  job.await_output("] step 3\n");
  kill(job.pid(), SIGKILL);
  EXPECT_EQ(job.wait_for_all(kLimit), 128 + SIGKILL);
}

TEST_F(RunCommandTest, AProgramThatNeverJoinsHasItsStatus) {
  const std::string output = run(trainers({"-n", "2"}, {"0"}));
  EXPECT_THAT(output, HasSubstr("no trainer took part"));
  EXPECT_THAT(run(shell({"-n", "2", "--generators", "2"}, "sleep 0.$((3 * RANK))")), HasSubstr("no trainer took part"));
}

TEST_F(RunCommandTest, ATrainerThatEndsBeforeItHasJoinedIsNamed) {
  for (const char* generators : {"1", "2"}) {
    const std::string output = run(trainers({"-n", "3", "--generators", generators}, {kEndless, "1", "leave"}), 69);
    EXPECT_THAT(output, HasSubstr("error: trainer 1 ended with status 0 before all trainers had joined the run"));
  }
}

TEST_F(RunCommandTest, ATrainerThatEndsWithoutClosingIsLost) {
  const std::string output = run(trainers({"-n", "2"}, {kEndless, "1", "abandon"}), 69);
  EXPECT_THAT(output, HasSubstr("trainer 1 is lost"));
}

TEST_F(RunCommandTest, MistakesInTheCommandLineAreNamed) {
  const auto words = [](const Words& more) {
    Words all = {RUNNEL_RUN_PROGRAM};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  std::ofstream(file("job.toml")) << "[run]\ntimeout_s = 70\n[model]\nname = 'mlp'\n";
  std::ofstream(file("script.py")) << "\n";
  EXPECT_THAT(run(words({"-n", "2"}), 64), HasSubstr("no script or program to start"));
  EXPECT_THAT(run(words({"-n", "many", "true"}), 64), HasSubstr("many"));
  EXPECT_THAT(run(words({"--generator", "2", "true"}), 64), HasSubstr("did you mean '--generators'?"));
  EXPECT_THAT(run(words({"-n", "2", "none.py"}), 66), HasSubstr("none.py: there is no such script"));
  EXPECT_THAT(run(words({"-n", "2", "no-such-program"}), 66), HasSubstr("it is not on PATH"));
  EXPECT_THAT(run(words({"-n", "2", "--", file("script.py") + "x"}), 66), HasSubstr("cannot start"));
  EXPECT_THAT(run(words({"--set", "model.name=mlp", "true"}), 78), HasSubstr("table 'model' is for runnel train"));
  EXPECT_THAT(run(words({"--set", "run.save=t.json", "true"}), 78), HasSubstr("key 'run.save' is for runnel train"));
  EXPECT_THAT(run(words({"--set", "optimizer.lr=x", "true"}), 78), HasSubstr("expected a number"));
  EXPECT_THAT(run(words({"--set", "optimizer", "true"}), 64), HasSubstr("expected KEY=VALUE"));
  EXPECT_THAT(run(words({"--config", file("job.toml"), "true"}), 78), HasSubstr("job.toml:3: table 'model'"));
  EXPECT_THAT(run({.argv = words({"-n", "2", "true"}),
                   .environment = {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "2"}}},
                  64),
              HasSubstr("start it once, without mpirun or srun"));
}

#ifdef RUNNEL_PROGRAM
TEST_F(RunCommandTest, TheWholeProgramHasTheSameCommand) {
  EXPECT_THAT(run({RUNNEL_PROGRAM, "run", "--help"}), HasSubstr("runnel run -n 4 train.py"));
  EXPECT_THAT(run({RUNNEL_PROGRAM, "run", "-n", "2", RUNNEL_SMALL_TRAINER, "5"}), HasSubstr("[trainer 1] trained\n"));
  EXPECT_THAT(run({RUNNEL_PROGRAM, "run", "-n", "2", "--", RUNNEL_SMALL_TRAINER, "5"}),
              HasSubstr("trainer 1] trained"));
  EXPECT_THAT(run({RUNNEL_PROGRAM, "run", "-n", "2"}, 64), HasSubstr("no script or program to start"));
}
#endif

}  // namespace
}  // namespace runnel::test
