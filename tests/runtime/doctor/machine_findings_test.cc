// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/machine_findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "runtime/launch/launcher.h"
#include "runtime/launch/mpi_segments.h"
#include "tests/runtime/doctor/healthy_machines.h"

/// Facts of healthy machines, spoilt in one thing at a time: the one finding names it, and what to do.
namespace runnel::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

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

TEST(MachineFindingsTest, SharedMemoryTooSmall) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) { facts.shared_memory_free_bytes = 33'900'000; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "needs 34.0 MB", "/dev/shm")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.shared_memory_free_bytes = 34'000'000; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, SharedMemoryTooSmallForMpi) {
  Diagnosis diagnosis = one_host();
  diagnosis.job.generator_shared_memory_bytes = diagnosis.job.trainer_shared_memory_bytes = 2 << 20;
  const auto needed = static_cast<std::int64_t>(MpiSegments::bytes_needed(3));
  each_rank(diagnosis, [=](MachineFacts& facts) { facts.shared_memory_free_bytes = needed - 1; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "needs 12.6 MB", "/dev/shm")));
  each_rank(diagnosis, [=](MachineFacts& facts) { facts.shared_memory_free_bytes = needed; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, MpiNeedsNoSharedMemoryWithOneRankAHost) {
  Diagnosis diagnosis = two_hosts();
  diagnosis.job.generator_shared_memory_bytes = diagnosis.job.trainer_shared_memory_bytes = 2 << 20;
  each_rank(diagnosis, [](MachineFacts& facts) { facts.shared_memory_free_bytes = 2 << 20; });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, FoldersOfUcxAndOfMpiAreJudgedApart) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.shared_memory_folder = "/large";
    facts.mpi_shared_memory_free_bytes = 12'000'000;
  });
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host one", "/dev/shm has 12.0 MB free, MPI needs 12.6 MB", "SIZE /dev/shm")));
  each_rank(diagnosis,
            [](MachineFacts& facts) { std::swap(facts.shared_memory_free_bytes, facts.mpi_shared_memory_free_bytes); });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "/large has 12.0 MB free", "SIZE /large")));
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
  expect_cured_by("ib", diagnosis, finding("host one", "mlx5_0", "UCX_ROOT"));
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
  expect_cured_by("cuda_cpy", diagnosis, finding("host one", "NVIDIA H100", "built with CUDA"));
}

TEST(MachineFindingsTest, GpuThatThisBuildCannotUse) {
  Diagnosis diagnosis = one_host();
  each_rank(diagnosis, [](MachineFacts& facts) {
    facts.gpus = {"NVIDIA H100"};
    facts.ucx_components.push_back({"cuda_cpy", true});
    facts.cuda_lacks = "no driver is loaded; install one";
  });
  EXPECT_THAT(find_problems(diagnosis),
              ElementsAre(finding("host one", "GPUs (NVIDIA H100) that Runnel cannot use: no driver is loaded",
                                  "install one")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.cuda_lacks.clear(); });
  EXPECT_THAT(find_problems(diagnosis), IsEmpty());
}

TEST(MachineFindingsTest, TooFewOpenFiles) {
  Diagnosis diagnosis = one_host();
  const std::int64_t needed = open_files_needed(3);
  each_rank(diagnosis, [&](MachineFacts& facts) { facts.open_files = needed - 1; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "limit of open files", "ulimit -n 1024")));
  each_rank(diagnosis, [&](MachineFacts& facts) { facts.open_files = needed; });
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
  diagnosis.not_probed_because = "the processes are of different versions";
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

TEST(MachineFindingsTest, PairsThatCouldNotBeTriedAreAFindingUnlessOneExplainsIt) {
  Diagnosis diagnosis = one_host();
  diagnosis.pairs.clear();
  diagnosis.not_probed_because = "trainer 1 is lost";
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("job", "trainer 1 is lost", "")));
  each_rank(diagnosis, [](MachineFacts& facts) { facts.open_files = 32; });
  EXPECT_THAT(find_problems(diagnosis), ElementsAre(finding("host one", "limit of open files", "ulimit")));
}

}  // namespace
}  // namespace runnel::test
