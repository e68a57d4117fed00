// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>

#include "tests/processes/runnel_program.h"

/// A process of a job dies or hangs: the job ends soon, with one clear line, and leaves nothing.
namespace runnel::test {
namespace {

using Clock = std::chrono::steady_clock;
using Environment = std::vector<std::pair<std::string, std::string>>;

constexpr int kPeerLost = 69;
constexpr int kInternalError = 70;
constexpr std::chrono::seconds kJobTimeout{60};  // then stacks are printed

/// A run that goes on until something ends it, and not by the deadline of a wait: that is an hour.
std::vector<std::string> endless_job(const std::vector<std::string>& more = {"-n", "2"}) {
  return endless() + std::vector<std::string>{"--set", "run.timeout_s=3600"} + more;
}

/// From construction until the whole job is gone. How long that takes is printed and not judged.
class EndOfJob {
 public:
  explicit EndOfJob(Job& job) : job_(job) {}

  void expect(int status) {
    EXPECT_EQ(job_.wait_for_all(kJobTimeout), status);
    const double took = std::chrono::duration<double>(Clock::now() - start_).count();
    std::printf("all processes had ended after %.2f s\n", took);
  }

 private:
  Job& job_;
  Clock::time_point start_ = Clock::now();
};

/// Where a fault happens (a path, a function), in which rank (0: the generator, 2: the second trainer), and the signal.
using Fault = std::tuple<std::string, int, int>;

std::string name_of_fault(const testing::TestParamInfo<Fault>& info) {
  const auto& [where, rank, signal] = info.param;
  return where + (rank == 0 ? "_generator" : "_trainer") + (signal == SIGKILL ? "_killed" : "_stopped");
}

class FaultTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_EQ(memory_.left(), std::vector<std::string>()) << "shared memory was left behind"; }

  static void expect_line_about_loss(const std::string& output, int lost) {
    for (const std::string& part : {std::string(" error: "), std::string(" rank="), "peer=" + std::to_string(lost),
                                    std::string(" host="), std::string(" phase="), std::string(" cause=")}) {
      EXPECT_NE(output.find(part), std::string::npos) << "no '" << part << "' in:\n" << output;
    }
    EXPECT_EQ(output.find("terminate called"), std::string::npos) << output;
    // Nobody but the process that is lost is called so, and only a lost lead is reported by more than one.
    const std::string lost_line = " is lost ";
    if (lost != 0) {
      EXPECT_EQ(output.find(lost_line), output.rfind(lost_line)) << output;
    }
    for (std::size_t at = 0; (at = output.find(lost_line, at)) != std::string::npos; at += lost_line.size()) {
      const std::string line = output.substr(at, output.find('\n', at) - at);
      // mpirun continues a stopped lead before it ends it: then its trainers, which have ended, are lost to it.
      const std::string reporter = "[generator] ";
      const std::size_t begin = output.rfind('\n', at) + 1;
      if (lost == 0 && output.compare(begin, reporter.size(), reporter) == 0) continue;
      EXPECT_NE(line.find(" peer=" + std::to_string(lost) + " "), std::string::npos) << line;
    }
  }

  const SharedMemoryGuard memory_;
  RunnelProgram program_;
};

class FaultInTrainingTest : public FaultTest, public testing::WithParamInterface<Fault> {};

TEST_P(FaultInTrainingTest, EndsTheWholeJob) {
  const auto& [path, rank, signal] = GetParam();
  Job job({.argv = program_.train(endless_job({"-n", "2", "--set", "transport.path=" + path}))});
  job.await_output("step 3/");
  EndOfJob end(job);
  kill(job.await_rank(rank), signal);
  end.expect(kPeerLost);
  expect_line_about_loss(job.output(), rank);
  if (rank == 0) return;  // it is the generator that writes the report
  const auto report = program_.report();
  EXPECT_EQ(report["exit"], kPeerLost);
  ASSERT_EQ(report["lost"].size(), 1U);
  EXPECT_EQ(report["lost"][0]["rank"], rank);
  EXPECT_GE(report["lost"][0]["step"], 3);
}

INSTANTIATE_TEST_SUITE_P(Signals, FaultInTrainingTest,
                         testing::Combine(testing::Values("mapped", "emulated"), testing::Values(0, 2),
                                          testing::Values(SIGKILL, SIGSTOP)),
                         name_of_fault);

/// The survivors only see that a process has ended; the launcher learns how.
TEST_F(FaultTest, ADeathBySignalIsReportedWithItsUsualCause) {
  for (const auto& [signal, text] : {std::pair(SIGKILL, "SIGKILL (killed, or out of memory: see dmesg)"),
                                     std::pair(SIGXCPU, "SIGXCPU (the CPU time limit, ulimit -t)")}) {
    Job job({.argv = program_.train(endless_job())});
    job.await_output("step 3/");
    kill(job.await_rank(2), signal);
    EXPECT_EQ(job.wait_for_all(kJobTimeout), kPeerLost);
    EXPECT_NE(job.output().find(std::string("error: a rank was ended by ") + text), std::string::npos) << job.output();
  }
}

TEST_F(FaultTest, OfSecondGeneratorsEndsTheWholeJob) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    Job job({.argv = program_.train(endless_job({"-n", "2", "--set", "generator.count=2"}))});
    job.await_output("step 3/");
    EndOfJob end(job);
    kill(job.await_rank(1), signal);
    end.expect(kPeerLost);
    expect_line_about_loss(job.output(), 1);
    EXPECT_NE(job.output().find("generator 1 is lost"), std::string::npos) << job.output();
    const auto report = program_.report();
    EXPECT_EQ(report["exit"], kPeerLost);
    EXPECT_EQ(report["lost"][0]["rank"], 1);
  }
}

/// In the probe of the path, and in a step with more transfers under way.
TEST_F(FaultTest, ATransferThatFailsEndsTheWholeJobWithOneLine) {
  for (const char* get : {"2:1", "2:20"}) {
    Job job({.argv = program_.train({"-n", "2", "--set", "transport.path=one-sided"}),
             .environment = {{"LD_PRELOAD", RUNNEL_UCX_INTERPOSER}, {"RUNNEL_TEST_FAILING_GET", get}}});
    const int status = job.wait_for_all(std::chrono::seconds(30));
    // Of the trainer, or of the generator that loses it: mpirun gives that of the first to end.
    EXPECT_TRUE(status == kPeerLost || status == kInternalError) << status;
    const std::string output = job.output();
    EXPECT_NE(output.find("[trainer 1] error: "), std::string::npos) << output;
    EXPECT_NE(output.find("rank=2 peer=0"), std::string::npos) << output;
    EXPECT_NE(output.find("Input/output error"), std::string::npos) << output;
    EXPECT_EQ(output.find("error: "), output.rfind("error: ")) << "said twice:\n" << output;
    EXPECT_EQ(output.find("signal"), std::string::npos) << output;
    const auto report = program_.report();
    EXPECT_EQ(report["exit"], kPeerLost);
    EXPECT_EQ(report["lost"][0]["rank"], 2);
  }
}

/// A process is lost at one of MPI's functions, before there is any UCX between the ranks or while they connect.
class FaultInBootstrapTest : public FaultTest, public testing::WithParamInterface<Fault> {};

TEST_P(FaultInBootstrapTest, EndsTheWholeJob) {
  const auto& [function, rank, signal] = GetParam();
  const std::string log = program_.folder() / "calls";
  const std::string victim = std::to_string(rank) + ":" + function + ":" + std::to_string(signal);
  Job job(
      {.argv = program_.train(endless_job()),
       .environment = {
           {"LD_PRELOAD", RUNNEL_MPI_INTERPOSER}, {"RUNNEL_TEST_MPI_SIGNAL", victim}, {"RUNNEL_TEST_MPI_LOG", log}}});
  // Named captures: clang 14 captures no structured bindings by default.
  const auto reached = [&log, &function = function, &rank = rank] {
    std::ifstream stream(log + "." + std::to_string(rank));
    for (std::string line; std::getline(stream, line);) {
      if (line == function) return true;
    }
    return false;
  };
  const auto until = Clock::now() + std::chrono::seconds(30);
  while (!reached() && Clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EndOfJob end(job);
  end.expect(kPeerLost);
  if (signal == SIGSTOP) {
    EXPECT_NE(job.output().find("phase=bootstrap"), std::string::npos) << job.output();
  }
  EXPECT_EQ(job.output().find("terminate called"), std::string::npos) << job.output();
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultInBootstrapTest,
                         testing::Values(Fault("MPI_Init", 0, SIGSTOP), Fault("MPI_Init", 2, SIGKILL),
                                         Fault("MPI_Iallgatherv", 0, SIGKILL), Fault("MPI_Iallgatherv", 2, SIGSTOP),
                                         Fault("MPI_Ibarrier", 0, SIGSTOP), Fault("MPI_Ibarrier", 2, SIGKILL),
                                         Fault("MPI_Finalize", 0, SIGKILL), Fault("MPI_Finalize", 2, SIGSTOP)),
                         name_of_fault);

TEST_F(FaultTest, UnderMpirunTheStatusIsNotZero) {
  for (const int signal : {SIGKILL, SIGSTOP}) {
    Job job({.argv = program_.mpirun(3, endless_job({}))});
    job.await_output("step 3/");
    EndOfJob end(job);
    kill(job.await_rank(1), signal);
    end.expect(signal == SIGKILL ? 128 + SIGKILL : kPeerLost);
    expect_line_about_loss(job.output(), 1);
  }
}

TEST_F(FaultTest, AKilledMpirunTakesItsRanksAlong) {
  Job job({.argv = program_.mpirun(3, endless_job({}))});
  job.await_output("step 3/");
  EndOfJob end(job);
  kill(job.pid(), SIGKILL);
  end.expect(128 + SIGKILL);
}

TEST_F(FaultTest, AKilledLauncherTakesTheJobAlong) {
  Job job({.argv = program_.train(endless_job())});
  job.await_output("step 3/");
  EndOfJob end(job);
  kill(job.pid(), SIGKILL);
  end.expect(128 + SIGKILL);
}

TEST_F(FaultTest, AJobIsNotDisturbedByTheDeathOfAnother) {
  const std::string expected = program_.run(program_.train({"-n", "2"}))["parameters_sha256"];
  RunnelProgram other;
  Job dying({.argv = other.train(endless_job())});
  dying.await_output("step 1/");
  Job job({.argv = program_.train({"-n", "2"})});
  job.await_output("step 2/");
  kill(dying.await_rank(1), SIGKILL);
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
  EXPECT_EQ(program_.report()["parameters_sha256"], expected);
  EXPECT_EQ(dying.wait_for_all(kJobTimeout), kPeerLost);
}

}  // namespace
}  // namespace runnel::test
