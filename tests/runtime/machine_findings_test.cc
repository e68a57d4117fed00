// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/machine_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

/// Facts of healthy machines, spoilt in one thing at a time: the one finding names it, and what to do.
namespace runnel {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t address(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

/// A laptop: two cores, no RDMA, no GPU.
MachineFacts laptop(const std::string& name, std::uint32_t number) {
  MachineFacts facts;
  facts.host = {.name = name,
                .identity = name + "/boot",
                .interfaces = {{"lo", address(127, 0, 0, 1), 8, true},
                               {"eth0", address(10, 0, 0, number), 24, false},
                               {"fast0", address(10, 0, 1, number), 24, false}}};
  facts.runnel_version = "0.1.0";
  facts.runnel_commit = "0123456789ab";
  facts.mpi_components = {{"pml", "ob1"}, {"osc", "^ucx"}, {"btl", "self,vader,tcp"}};
  facts.ucx_version = "1.22.0";
  facts.ucx_libraries = {"/lib/libucp.so.0"};
  facts.ucx_components = {{"self", true}, {"tcp", true}, {"sysv", true}, {"posix", true}, {"cma", true}};
  facts.name_addresses = {dotted(address(10, 0, 0, number))};
  facts.shared_memory_bytes = 4'000'000'000;
  facts.shared_memory_free_bytes = 3'000'000'000;
  facts.memlock_bytes = 8 << 20;
  facts.open_files = 1024;
  facts.ptrace_scope = 1;
  facts.cores = 2;
  return facts;
}

PairMeasurement mapped() {
  PairMeasurement pair;
  pair.path = {
      .path = Path::mapped, .transports = {"posix/memory", "cma/memory"}, .reason = "the peer's slab is mapped"};
  pair.put_us = pair.get_us = pair.copy_us = 90;
  return pair;
}

PairMeasurement emulated() {
  PairMeasurement pair;
  pair.path = {.path = Path::emulated, .transports = {"tcp/lo"}, .reason = "a put did not complete"};
  pair.put_us = 455;
  pair.get_us = 600;
  pair.copy_us = 90;
  return pair;
}

JobFacts job_of(int trainers) {
  JobFacts job;
  job.trainers = trainers;
  job.payload_bytes = 4'799'528;
  job.generator_shared_memory_bytes = 30'000'000;
  job.trainer_shared_memory_bytes = 2'000'000;
  return job;
}

/// Generator and two trainers on one laptop.
Diagnosis one_host() {
  const MachineFacts facts = laptop("one", 1);
  return {.job = job_of(2), .ranks = {facts, facts, facts}, .pairs = {mapped(), mapped()}, .untried = {}};
}

/// Generator and a trainer, each on a host of its own.
Diagnosis two_hosts() {
  return {.job = job_of(1), .ranks = {laptop("one", 1), laptop("two", 2)}, .pairs = {emulated()}, .untried = {}};
}

void each_rank(Diagnosis& diagnosis, const std::function<void(MachineFacts&)>& spoil) {
  for (MachineFacts& facts : diagnosis.ranks) spoil(facts);
}

auto finding(const std::string& where, const std::string& what, const std::string& remedy) {
  return AllOf(Field(&Finding::where, where), Field(&Finding::what, HasSubstr(what)),
               Field(&Finding::remedy, HasSubstr(remedy)), Field(&Finding::cost, testing::Not("")));
}

TEST(MachineFindingsTest, ALaptopIsHealthy) {
  EXPECT_THAT(find_problems(one_host()), IsEmpty());
}

TEST(MachineFindingsTest, TwoHostsOverTcpAreHealthyWithoutRdma) {
  EXPECT_THAT(find_problems(two_hosts()), IsEmpty());
}

TEST(MachineFindingsTest, MoreProcessesThanCoresAreHealthyButMoreThreadsAreNot) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.cores = 1; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  diagnosis.job.trainer_threads = 4;
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host one", "2 trainers with 4 threads each for 1 cores", "trainer.threads")));
}

TEST(MachineFindingsTest, UcxTlsThatLeavesSharedMemoryOut) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_environment = {{"UCX_TLS", "tcp"}}; });
  diagnosis.pairs = {emulated(), emulated()};
  const auto found = find_problems(diagnosis);
  ASSERT_THAT(found, ElementsAre(finding("trainer 0 on one, trainer 1 on one", "emulated (tcp/lo)", "UCX_TLS=tcp")));
  EXPECT_THAT(found[0].cost, AllOf(HasSubstr("455 us"), HasSubstr("90 us")));
}

TEST(MachineFindingsTest, AForcedPathThatIsReachedIsNoFinding) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.path = "emulated";
  diagnosis.pairs = {emulated(), emulated()};
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  diagnosis.job.transport.path = "one-sided";
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on one, trainer 1 on one", "not one-sided", "cma")));
}

TEST(MachineFindingsTest, ARequiredPathThatIsNotReached) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.job.transport.require = "rdma";
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on two", "transport.require = \"rdma\"", "lower transport.require")));
}

TEST(MachineFindingsTest, SharedMemoryTooSmall) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.shared_memory_free_bytes = 33'900'000; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "needs 34.0 MB", "/dev/shm")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.shared_memory_free_bytes = 34'000'000; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, MemoryCopiesRefused) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.back().usable = false; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "process_vm_writev", "SYS_PTRACE")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ptrace_scope = 3; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "ptrace_scope is 3", "ptrace_scope=1")));
}

TEST(MachineFindingsTest, ModuleMissing) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.pop_back(); });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "no module cma", "libuct_cma.so")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_environment = {{"UCX_MODULES", "^cma"}}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "UCX_MODULES=^cma", "unset UCX_MODULES")));
}

TEST(MachineFindingsTest, CopiesDoNotMatterToAHostWithOneProcess) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.pop_back(); });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, RdmaDeviceWithoutItsModule) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.rdma_devices = {"mlx5_0"};
    facts.memlock_bytes = -1;
  });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "mlx5_0", "UCX_ROOT")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.push_back({"ib", true}); });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, RdmaOnBothHostsButNotInUse) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.rdma_devices = {"mlx5_0"};
    facts.rdma_ports = {"mlx5_0:1"};
    facts.memlock_bytes = -1;
    facts.ucx_components.push_back({"ib", true});
    facts.ucx_environment = {{"UCX_TLS", "tcp"}};
  });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("trainer 0 on two", "not by RDMA", "UCX_TLS=tcp")));
}

TEST(MachineFindingsTest, LockedMemoryMattersToRdmaOnly) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.memlock_bytes = 65536; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.rdma_devices = {"mlx5_0"};
    facts.ucx_components.push_back({"ib", true});
  });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "locked memory is 0.1 MB", "ulimit -l")));
}

TEST(MachineFindingsTest, GpuWithoutCuda) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.gpus = {"NVIDIA H100"}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "NVIDIA H100", "built with CUDA")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.push_back({"cuda_cpy", true}); });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, TooFewOpenFiles) {
  Diagnosis diagnosis = one_host();
  const std::int64_t needed = open_files_needed(2);
  each_rank(diagnosis, [&](MachineFacts& facts) { facts.open_files = needed - 1; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "limit of open files", "ulimit -n 1024")));
  each_rank(diagnosis, [&](MachineFacts& facts) { facts.open_files = needed; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, AnInterfaceThatAHostLacks) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.job.transport.interface = "eth9";
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host one", "it has eth0, fast0, lo", "transport.interface"),
                          finding("host two", "'eth9'", "transport.interface")));
}

TEST(MachineFindingsTest, AnRdmaPortIsAnInterface) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.interface = "mlx5_0:1";
  each_rank(diagnosis, [](MachineFacts& facts) { facts.rdma_ports = {"mlx5_0:1"}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "'mlx5_0:1'", "transport.interface")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_components.push_back({"ib", true}); });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, SeveralInterfacesAreNamedWithCommas) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.interface = "lo,eth0";
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  diagnosis.job.transport.interface = "lo,eth9";
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "names 'eth9'", "transport.interface")));
}

TEST(MachineFindingsTest, AnAddressThatEveryHostHasIsNoWayBetweenThem) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.host.interfaces.insert(facts.host.interfaces.begin(), {"docker0", address(172, 17, 0, 1), 16, false});
  });
  const std::vector<Host> hosts = {diagnosis.ranks[0].host, diagnosis.ranks[1].host};
  EXPECT_EQ(choose_interface(hosts[0], hosts), "eth0");
  EXPECT_EQ(choose_interface(hosts[1], hosts), "eth0");
}

TEST(MachineFindingsTest, ContainersOfOneNetworkNamespaceReachEachOther) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.ranks[1].host.interfaces = diagnosis.ranks[0].host.interfaces;
  const std::vector<Host> hosts = {diagnosis.ranks[0].host, diagnosis.ranks[1].host};
  EXPECT_EQ(choose_interface(hosts[0], hosts), "eth0");
}

TEST(MachineFindingsTest, ASlowInterfaceWhereAFasterOneExists) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.speeds_mbps = {{"eth0", 1000}, {"fast0", 25000}}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "eth0 with 1000 Mb/s", "\"fast0\""),
                                                    finding("host two", "eth0 with 1000 Mb/s", "\"fast0\"")));
  diagnosis.job.transport.interface = "fast0";
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, ANameThatResolvesToLoopbackMattersToSeveralHosts) {
  Diagnosis alone = one_host();
  each_rank(alone, [](MachineFacts& facts) { facts.name_addresses = {"127.0.1.1"}; });
  EXPECT_THAT(find_problems(alone), IsEmpty());
  Diagnosis diagnosis = two_hosts();
  diagnosis.ranks[1].name_addresses = {"127.0.1.1"};
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host two", "resolves to loopback (127.0.1.1)", "/etc/hosts")));
  diagnosis.ranks[1].name_addresses = {};
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host two", "does not resolve", "/etc/hosts")));
}

TEST(MachineFindingsTest, ANameMattersWhereHostsWereAskedForButOneCameUp) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.has_named_hosts = true;
  each_rank(diagnosis, [](MachineFacts& facts) { facts.name_addresses = {"127.0.1.1"}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "resolves to loopback", "/etc/hosts")));
}

TEST(MachineFindingsTest, DifferentVersions) {
  Diagnosis diagnosis = one_host();
  diagnosis.ranks[1].ucx_version = "1.19.0";
  diagnosis.ranks[2].runnel_commit = "fedcba987654";
  diagnosis.pairs.clear();
  diagnosis.untried = "the processes are of different versions";
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("rank 1 on one", "UCX 1.19.0", "the same UCX"),
                                                    finding("rank 2 on one", "fedcba987654", "the same build")));
}

TEST(MachineFindingsTest, TwoUcxLibrariesInAProcess) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.ucx_libraries.push_back("/usr/lib/libucp.so.0");
    facts.mpi_components["pml"] = "ucx";
  });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "2 UCX libraries", "OMPI_MCA_pml"),
                                                    finding("host one", "OMPI_MCA_pml=ucx", "unset OMPI_MCA_pml")));
}

TEST(MachineFindingsTest, SettingsOfUcxThatDifferBetweenHosts) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.ranks[1].ucx_environment = {{"UCX_TLS", "tcp"}};
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("trainer 0 on two", "UCX_TLS", "mpirun -x")));
}

TEST(MachineFindingsTest, PairsThatCouldNotBeTriedAreAFindingUnlessOneExplainsIt) {
  Diagnosis diagnosis = one_host();
  diagnosis.pairs.clear();
  diagnosis.untried = "trainer 1 is lost";
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("job", "trainer 1 is lost", "")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.open_files = 32; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "limit of open files", "ulimit")));
}

}  // namespace
}  // namespace runnel
