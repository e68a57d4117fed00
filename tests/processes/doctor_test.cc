// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/processes/runnel_program.h"

/// `runnel doctor` on this machine as it is, and sabotaged in one thing: it then names the thing. tests/hosts/ has what
/// takes more than one host.
namespace runnel::test {
namespace {

using Words = std::vector<std::string>;

/// As a user of this machine runs it: the tests' own setting of UCX would be a finding on no machine, but a fact.
Words doctor(const Words& more = {}) {
  return Words{"env", "-u", "UCX_NET_DEVICES", RUNNEL_PROGRAM, "doctor"} + more;
}

/// One trainer is enough for all that is not about pairs.
Words doctor_json(const Words& more = {}) {
  return doctor({"-n", "1", "--json"}) + more;
}

/// `argv` after a shell's `command`.
Words after(const std::string& command, const Words& argv) {
  return Words{"bash", "-c", command + R"( && exec "$@")", "bash"} + argv;
}

/// Runs a command that prints a diagnosis as JSON, and only that, and ends with `status`.
nlohmann::json diagnose(const Words& argv, int status, const std::pair<std::string, std::string>& variable = {}) {
  Command command{.argv = after("exec 2>/dev/null", argv)};
  if (!variable.first.empty()) command.environment.push_back(variable);
  Job job(command);
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), status) << job.output();
  const auto diagnosis = nlohmann::json::parse(job.output(), nullptr, false);
  EXPECT_FALSE(diagnosis.is_discarded()) << "not one JSON document:\n" << job.output();
  EXPECT_EQ(diagnosis["exit"], status);
  return diagnosis;
}

/// Expects one finding, with these words in what it says and in how to change it.
void expect_finding(const nlohmann::json& diagnosis, const std::string& what, const std::string& remedy) {
  ASSERT_EQ(diagnosis["findings"].size(), 1U) << diagnosis["findings"].dump(2);
  const auto& finding = diagnosis["findings"][0];
  EXPECT_NE(finding["what"].get<std::string>().find(what), std::string::npos) << finding;
  EXPECT_NE(finding["remedy"].get<std::string>().find(remedy), std::string::npos) << finding;
  EXPECT_NE(finding["cost"], "");
}

/// The same in mounts of its own.
Words in_own_mounts(const std::string& command, const Words& argv) {
  return Words{"unshare", "--mount"} + after(command, argv);
}

bool mounts_are_permitted() {
  Job job({.argv = in_own_mounts("mount -t tmpfs none /mnt", {"true"})});
  return job.wait() == 0;
}

TEST(DoctorTest, AMachineAsItIsHasNoFindings) {
  const SharedMemoryGuard memory;
  const auto diagnosis = diagnose(doctor({"-n", "2", "--json"}), 0);
  EXPECT_EQ(diagnosis["findings"].size(), 0U);
  EXPECT_EQ(diagnosis["ranks"].size(), 3U);
  ASSERT_EQ(diagnosis["pairs"].size(), 2U);
  for (const auto& pair : diagnosis["pairs"]) {
    EXPECT_EQ(pair["path"]["path"], "mapped") << pair;
    for (const char* time : {"bell_us", "put_us", "get_us", "copy_us"}) EXPECT_GT(pair[time], 0) << time;
  }
  EXPECT_EQ(memory.left(), std::vector<std::string>());
}

TEST(DoctorTest, PrintsAMatrixForPeopleUnderMpirunToo) {
  Job job({.argv = Words{"mpirun", "-n", "3"} + doctor({"--set", "transport.path=emulated"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0);
  const std::string output = job.output();
  for (const char* part : {"ranks 0, 1, 2", "bell us", "emulated", "tcp/lo", "findings: none"}) {
    EXPECT_NE(output.find(part), std::string::npos) << "no '" << part << "' in\n" << output;
  }
}

TEST(DoctorTest, MistakesOfItsUser) {
  const std::vector<std::pair<Words, int>> mistakes = {{{"--jsn"}, 64},
                                                       {{"--hosts", "a::2"}, 64},
                                                       {{"--hosts", "a"}, 64},
                                                       {{"--hosts", "a:99999999999"}, 64},
                                                       {{"--hosts", "a:2147483647,b:2147483647"}, 64},
                                                       {{"-n", "1", "--hosts", "a:2"}, 64},
                                                       {{"/none.toml"}, 66},
                                                       {{"--set", "transport.path=fast"}, 78},
                                                       {{"--set", "trainer.device=cuda:999"}, 78}};
  for (const auto& [arguments, status] : mistakes) {
    Job job({.argv = Words{RUNNEL_PROGRAM, "doctor"} + arguments});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), status) << job.output();
    EXPECT_TRUE(job.output().starts_with("error: ")) << job.output();
  }
}

TEST(DoctorTest, AskedForOtherRanksThanMpirunStarted) {
  for (const Words& arguments : {Words{"-n", "4"}, Words{"--hosts", "a:3"}}) {
    Job job({.argv = Words{"mpirun", "-n", "3", RUNNEL_PROGRAM, "doctor"} + arguments});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(30)), 64) << job.output();
    EXPECT_NE(job.output().find("error: "), std::string::npos) << job.output();
  }
}

TEST(DoctorTest, CountsTrainersByTheRanksThatMpirunStarted) {
  Job job({.argv = Words{"mpirun", "-n", "2"} + doctor({"--set", "trainer.device=['cpu']"})});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 0) << job.output();
}

TEST(DoctorTest, ADeviceThatOneRankLacks) {
  const Words mine = doctor({"--json"});
  Job job({.argv = Words{"mpirun", "-n", "1"} + mine + Words{":", "-n", "1"} + mine +
                   Words{"--set", "trainer.device=cuda:999"}});
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 1) << job.output();
  EXPECT_NE(job.output().find(R"("untried": "rank 1 on )"), std::string::npos) << job.output();
  EXPECT_NE(job.output().find("cuda:999"), std::string::npos) << job.output();
}

/// mpirun then has another status than that of the rank that prints.
TEST(DoctorTest, ARankThatIsKilledIsInTheOneDiagnosis) {
  const auto diagnosis = diagnose(after("export LD_PRELOAD=" RUNNEL_MPI_INTERPOSER, doctor({"-n", "2", "--json"})), 1,
                                  {"RUNNEL_TEST_MPI_SIGNAL", "1:MPI_Ibarrier:9"});
  EXPECT_EQ(diagnosis["ranks"].size(), 3U);
  EXPECT_NE(diagnosis["untried"].get<std::string>().find("trainer 0 is lost"), std::string::npos) << diagnosis;
}

/// In the probe, while the generator is silent, and in the trainer's turn.
TEST(DoctorTest, ATransferThatFailsInATrainer) {
  for (const char* get : {"1:1", "1:2"}) {
    Job job({.argv = doctor({"-n", "1", "--json", "--set", "transport.path=one-sided"}),
             .environment = {{"LD_PRELOAD", RUNNEL_UCX_INTERPOSER}, {"RUNNEL_TEST_FAILING_GET", get}}});
    EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 1) << job.output();
    EXPECT_NE(job.output().find("Input/output error"), std::string::npos) << "the trainer's line: " << job.output();
    EXPECT_NE(job.output().find(R"("untried": "rank 1 on )"), std::string::npos) << job.output();
    EXPECT_NE(job.output().find("an error of its own"), std::string::npos) << job.output();
  }
}

TEST(DoctorTest, UcxTls) {
  const auto diagnosis = diagnose(doctor_json(), 1, {"UCX_TLS", "tcp"});
  EXPECT_EQ(diagnosis["pairs"][0]["path"]["path"], "emulated");
  expect_finding(diagnosis, "not mapped but emulated (tcp/lo)", "UCX_TLS=tcp leaves shared memory out; unset it");
}

TEST(DoctorTest, ModuleMissing) {
  expect_finding(diagnose(doctor_json(), 1, {"UCX_MODULES", "^cma"}), "module cma: UCX_MODULES=^cma",
                 "unset UCX_MODULES");
}

TEST(DoctorTest, InterfaceMissing) {
  expect_finding(diagnose(doctor_json({"--set", "transport.interface=eth99"}), 1), "'eth99', which this host does not",
                 "set transport.interface");
}

TEST(DoctorTest, TooFewOpenFiles) {
  expect_finding(diagnose(after("ulimit -n 32", doctor_json()), 1), "limit of open files is 32", "ulimit -n 1024");
}

TEST(DoctorTest, LittleLockedMemoryIsAFactWhereNothingLocksMemory) {
  const auto diagnosis = diagnose(after("ulimit -l 64", doctor_json()), 0);
  for (const auto& rank : diagnosis["ranks"]) EXPECT_EQ(rank["memlock_bytes"], 65536);
}

TEST(DoctorTest, TinySharedMemory) {
  if (!mounts_are_permitted()) GTEST_SKIP() << "SKIPPED, NOT TESTED: mount namespaces are not permitted here";
  expect_finding(diagnose(in_own_mounts("mount -t tmpfs -o size=1m none /dev/shm", doctor_json()), 1),
                 "/dev/shm has 1.0 MB free", "remount,size=");
}

/// Yama's setting is the whole machine's, and many kernels have no Yama: a folder of /proc is stood in for, with links
/// to all that is beside it. UCX reads the same file and leaves cma out.
TEST(DoctorTest, PtraceScope) {
  if (!mounts_are_permitted()) GTEST_SKIP() << "SKIPPED, NOT TESTED: mount namespaces are not permitted here";
  const std::string sabotage =
      "mount -t tmpfs none /mnt && mkdir /mnt/kernel /mnt/stand_in /mnt/stand_in/yama && "
      "mount --bind /proc/sys/kernel /mnt/kernel && "
      "for file in /mnt/kernel/*; do case $file in */yama) ;; *) ln -s \"$file\" /mnt/stand_in/ ;; esac; done && "
      "echo 3 >/mnt/stand_in/yama/ptrace_scope && mount --bind /mnt/stand_in /proc/sys/kernel";
  const auto diagnosis = diagnose(in_own_mounts(sabotage, doctor_json()), 1);
  expect_finding(diagnosis, "kernel.yama.ptrace_scope is 3", "sysctl kernel.yama.ptrace_scope=1");
}

TEST(DoctorTest, MixedUcxVersions) {
  const std::string other = RUNNEL_OTHER_UCX;
  if (access(other.c_str(), R_OK) != 0) GTEST_SKIP() << "SKIPPED, NOT TESTED: no other UCX in " << other;
  const auto with_other = Words{"mpirun", "-n", "1"} + doctor({"--json"}) +
                          Words{":", "-n", "1", "-x", "LD_LIBRARY_PATH=" + other} + doctor({"--json"});
  Job job({.argv = with_other});
  // Open MPI adds lines of its own when a rank ends with another status than 0.
  EXPECT_EQ(job.wait_for_all(std::chrono::seconds(60)), 1) << job.output();
  EXPECT_NE(job.output().find("UCX 1.19.0"), std::string::npos) << job.output();
  EXPECT_NE(job.output().find("install the same UCX on every host"), std::string::npos) << job.output();
}

}  // namespace
}  // namespace runnel::test
