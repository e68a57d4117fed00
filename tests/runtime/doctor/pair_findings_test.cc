// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/pair_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/doctor/healthy_machines.h"

/// The same as in machine_findings_test.cc, of what lies between processes.
namespace runnel::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PairFindingsTest, UcxTlsThatLeavesSharedMemoryOut) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.ucx_environment = {{"UCX_TLS", "tcp"}}; });
  diagnosis.pairs = {emulated(), emulated()};
  const auto found = find_problems(diagnosis);
  ASSERT_THAT(found, ElementsAre(finding("trainer 0 on one, trainer 1 on one", "emulated (tcp/lo)", "UCX_TLS=tcp")));
  EXPECT_THAT(found[0].cost, AllOf(HasSubstr("455 us"), HasSubstr("90 us")));
}

TEST(PairFindingsTest, DevicesThatCannotMapEachOther) {
  Diagnosis diagnosis = one_host();
  diagnosis.pairs = {emulated(), emulated()};
  each_rank(diagnosis, [](MachineFacts& facts) { facts.device = DeviceId::cuda(0); });
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on one, trainer 1 on one", "not mapped", "cuda_ipc")));
  diagnosis.ranks.front().device = DeviceId::cpu();
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on one, trainer 1 on one", "not mapped", "/dev/shm")));
}

TEST(PairFindingsTest, AForcedPathThatIsReachedIsNoFinding) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.path = Path::emulated;
  diagnosis.pairs = {emulated(), emulated()};
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  diagnosis.job.transport.path = Path::one_sided;
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on one, trainer 1 on one", "not one-sided", "cma")));
}

TEST(PairFindingsTest, ARequiredPathThatIsNotReached) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.job.transport.require = RequiredPath::rdma;
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on two", "transport.require = \"rdma\"", "lower transport.require")));
}

TEST(PairFindingsTest, RdmaOnBothHostsButNotInUse) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.rdma_devices = {"mlx5_0"};
    facts.rdma_ports = {"mlx5_0:1"};
    facts.memlock_bytes = -1;
    facts.ucx_components.push_back({"ib", true});
    facts.ucx_environment = {{"UCX_TLS", "tcp"}};
  });
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("trainer 0 on two", "does not reach the generator by RDMA", "UCX_TLS=tcp")));
}

TEST(PairFindingsTest, AnInterfaceThatAHostLacks) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.job.transport.interface = "eth9";
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host one", "it has eth0, fast0, lo", "transport.interface"),
                          finding("host two", "'eth9'", "transport.interface")));
}

TEST(PairFindingsTest, AnRdmaPortIsAnInterface) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.interface = "mlx5_0:1";
  each_rank(diagnosis, [](MachineFacts& facts) { facts.rdma_ports = {"mlx5_0:1"}; });
  expect_cured_by("ib", diagnosis, finding("host one", "'mlx5_0:1'", "transport.interface"));
}

TEST(PairFindingsTest, SeveralInterfacesAreNamedWithCommas) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.transport.interface = "lo,eth0";
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
  diagnosis.job.transport.interface = "lo,eth9";
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "names 'eth9'", "transport.interface")));
}

TEST(PairFindingsTest, AnAddressThatEveryHostHasIsNoWayBetweenThem) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.host.interfaces.insert(facts.host.interfaces.begin(), {"docker0", address(172, 17, 0, 1), 16, false});
  });
  const std::vector<Host> hosts = {diagnosis.ranks[0].host, diagnosis.ranks[1].host};
  EXPECT_EQ(choose_interface(hosts[0], hosts), "eth0");
  EXPECT_EQ(choose_interface(hosts[1], hosts), "eth0");
}

TEST(PairFindingsTest, ContainersOfOneNetworkNamespaceReachEachOther) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.ranks[1].host.interfaces = diagnosis.ranks[0].host.interfaces;
  const std::vector<Host> hosts = {diagnosis.ranks[0].host, diagnosis.ranks[1].host};
  EXPECT_EQ(choose_interface(hosts[0], hosts), "eth0");
}

TEST(PairFindingsTest, ASlowInterfaceWhereAFasterOneExists) {
  Diagnosis diagnosis = two_hosts();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.speeds_mbps = {{"eth0", 1000}, {"fast0", 25000}}; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "eth0 with 1000 Mb/s", "\"fast0\""),
                                                    finding("host two", "eth0 with 1000 Mb/s", "\"fast0\"")));
  diagnosis.job.transport.interface = "fast0";
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(PairFindingsTest, SettingsOfUcxThatDifferBetweenHosts) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.ranks[1].ucx_environment = {{"UCX_TLS", "tcp"}};
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("trainer 0 on two", "UCX_TLS", "mpirun -x")));
}

}  // namespace
}  // namespace runnel::test
