// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/path_requirement.h"

#include <gmock/gmock.h>

namespace runnel {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const PathReport kMapped = {Path::mapped, {"posix/memory", "cma/memory"}, "the peer's slab is mapped"};
const PathReport kCopied = {Path::one_sided, {"posix/memory", "cma/memory"}, "a put and a get completed"};
const PathReport kShmEmulated = {Path::emulated, {"posix/memory"}, "a put completed, a get did not"};
const PathReport kTcp = {Path::emulated, {"tcp/eth0"}, "a put did not complete"};
const PathReport kRdma = {Path::one_sided, {"rc_mlx5/mlx5_0:1", "ud_mlx5/mlx5_0:1"}, "a put and a get completed"};
const PathReport kUd = {Path::emulated, {"ud_verbs/mlx5_0:1"}, "a put did not complete"};

PairFacts hosts(const std::vector<std::string>& rdma_ports = {}, bool ucx_has_rdma = false) {
  return {.same_host = false, .ucx_tls = "", .rdma_ports = rdma_ports, .ucx_has_rdma = ucx_has_rdma};
}

TEST(PathRequirement, IsMetByThePathOrABetterOne) {
  for (const PathReport& path : {kMapped, kCopied, kShmEmulated, kTcp})
    EXPECT_EQ(unmet_requirement(RequiredPath::any, path, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::mapped, kMapped, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::one_sided, kMapped, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::one_sided, kCopied, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::one_sided, kRdma, hosts()), "");
  EXPECT_NE(unmet_requirement(RequiredPath::mapped, kCopied, {}), "");
  EXPECT_NE(unmet_requirement(RequiredPath::one_sided, kShmEmulated, {}), "");
}

TEST(PathRequirement, OfRdmaIsOneSidedWithinAHost) {
  EXPECT_EQ(unmet_requirement(RequiredPath::rdma, kMapped, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::rdma, kCopied, {}), "");
  EXPECT_NE(unmet_requirement(RequiredPath::rdma, kTcp, {}), "");
  EXPECT_EQ(unmet_requirement(RequiredPath::rdma, kRdma, hosts()), "");
  EXPECT_NE(unmet_requirement(RequiredPath::rdma, kCopied, hosts()), "") << "no RDMA device between hosts";
}

TEST(PathRequirement, SaysWhatToDoWithinAHost) {
  EXPECT_THAT(unmet_requirement(RequiredPath::one_sided, kShmEmulated, {}),
              testing::AllOf(StartsWith(kShmEmulated.reason), HasSubstr("ptrace_scope")));
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kCopied, {}),
              testing::AllOf(StartsWith(kCopied.reason), HasSubstr("same /dev/shm")));
  EXPECT_EQ(unmet_requirement(RequiredPath::mapped, kTcp, {.ucx_tls = "tcp", .rdma_ports = {}}),
            "UCX_TLS=tcp leaves shared memory out; unset it");
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kTcp, {}), HasSubstr("/dev/shm"));
  PairFacts innocent;
  for (const char* ucx_tls : {"all", "^ib", "rc,sm", "tcp,posix"}) {
    innocent.ucx_tls = ucx_tls;
    EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kTcp, innocent), HasSubstr("/dev/shm")) << ucx_tls;
  }
}

TEST(PathRequirement, SaysWhatToDoBetweenDevicesOfAHost) {
  const PathReport unmapped = {Path::one_sided, {"posix/memory", "cuda_ipc/cuda"}, "a put and a get completed"};
  PairFacts facts;
  facts.on_devices = true;
  EXPECT_EQ(unmet_requirement(RequiredPath::one_sided, unmapped, facts), "");
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, unmapped, facts),
              testing::AllOf(StartsWith(unmapped.reason), HasSubstr("nvidia-smi topo")));
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kShmEmulated, facts), HasSubstr("without cuda_ipc"));
  facts.ucx_tls = "tcp";
  EXPECT_EQ(unmet_requirement(RequiredPath::mapped, kTcp, facts), "UCX_TLS=tcp leaves cuda_ipc out; unset it");
  facts.ucx_tls = "rc,sm,cuda_copy";
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kTcp, facts), HasSubstr("leaves cuda_ipc out"));
  facts.ucx_tls = "^cuda_ipc";
  EXPECT_EQ(unmet_requirement(RequiredPath::mapped, kTcp, facts), "UCX_TLS=^cuda_ipc leaves cuda_ipc out; unset it");
  for (const char* ucx_tls : {"rc,sm,cuda_copy,cuda_ipc", "cuda", "tcp,all", "^ib", "^cuda_copy"}) {
    facts.ucx_tls = ucx_tls;
    EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kTcp, facts), HasSubstr("IPC namespace")) << ucx_tls;
  }
}

TEST(PathRequirement, SaysWhatToDoBetweenHosts) {
  EXPECT_THAT(unmet_requirement(RequiredPath::mapped, kRdma, hosts()), HasSubstr("different hosts"));
  EXPECT_THAT(unmet_requirement(RequiredPath::rdma, kTcp, hosts()), HasSubstr("no active RDMA device"));
  const std::vector<std::string> port = {"mlx5_0:1"};
  EXPECT_THAT(unmet_requirement(RequiredPath::one_sided, kTcp, hosts(port)),
              testing::AllOf(HasSubstr("no module for the RDMA device mlx5_0:1"), HasSubstr("cmake/README.md")));
  EXPECT_THAT(unmet_requirement(RequiredPath::rdma, kTcp, hosts(port, true)), HasSubstr("does not connect them"));
  PairFacts restricted = hosts(port, true);
  restricted.ucx_tls = "tcp,self";
  EXPECT_EQ(unmet_requirement(RequiredPath::rdma, kTcp, restricted),
            "UCX_TLS=tcp,self leaves the RDMA device mlx5_0:1 out; unset it");
  for (const char* ucx_tls : {"rc,self", "ib", "dc_mlx5,tcp", "all"}) {
    restricted.ucx_tls = ucx_tls;
    EXPECT_THAT(unmet_requirement(RequiredPath::rdma, kTcp, restricted), HasSubstr("does not connect them")) << ucx_tls;
  }
  EXPECT_THAT(unmet_requirement(RequiredPath::rdma, kUd, hosts(port, true)),
              testing::AllOf(StartsWith(kUd.reason), HasSubstr("UCX_TLS")));
}

}  // namespace
}  // namespace runnel
