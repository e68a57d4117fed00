// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/device_id.h"
#include "runtime/bootstrap/host.h"
#include "transport/ucx_library.h"

namespace runnel {

/// Facts about one process's machine and its own limits. machine_findings.h judges them.
struct MachineFacts {
  Host host;
  std::map<std::string, std::int64_t> speeds_mbps;  ///< megabits a second of the interfaces whose driver reports it

  std::string runnel_version;
  std::string runnel_commit;
  std::string torch_version;
  std::string mpi_version;
  std::map<std::string, std::string> mpi_components;  ///< framework to selection, "pml" to "ob1"
  std::string ucx_version;
  std::vector<std::string> ucx_libraries;  ///< every libucp in this process: more than one is a mistake
  std::vector<UcxComponent> ucx_components;
  std::map<std::string, std::string> ucx_environment;  ///< UCX_*, without what Runnel itself sets before exec

  std::vector<std::string> name_addresses;  ///< IPv4 addresses that this host's own name resolves to
  std::vector<std::string> rdma_devices;
  std::vector<std::string> rdma_ports;  ///< the active ones, by UCX's names: "mlx5_0:1"
  std::vector<std::string> gpus;
  DeviceId device;         ///< that this process computes on, in the job that is diagnosed
  std::string cuda_lacks;  ///< why this build can use none of them, "what; remedy"; empty where it can, or without any

  std::string shared_memory_folder;      ///< UCX's
  std::int64_t shared_memory_bytes = 0;  ///< of that folder; 0 when there is none
  std::int64_t shared_memory_free_bytes = 0;
  std::int64_t mpi_shared_memory_free_bytes = -1;  ///< in the folder of `MpiSegments`; -1 when there is none
  std::int64_t huge_pages = 0;
  std::int64_t huge_pages_free = 0;
  std::string transparent_huge_pages;  ///< "madvise"; empty when the kernel does not say
  std::int64_t memlock_bytes = 0;      ///< limit of this process; -1: none
  std::int64_t open_files = 0;         ///< limit of this process; -1: none
  std::int64_t ptrace_scope = -1;      ///< of Yama; -1 without Yama
  double cores = 0;                    ///< that this process may use, by affinity and by the cgroup's quota
  std::int64_t numa_nodes = 1;
  std::string ignored_settings;  ///< of OpenMP, as runtime/launch/launch_place.h gives them
};

/// Reads what can be read without MPI and LibTorch, whose versions the caller adds, as it does Runnel's own. What the
/// system does not give stays at its default. Throws `RunError` (71), `TransportError`. Any thread.
MachineFacts read_machine_facts();

/// Models of the NVIDIA GPUs of this host, or their device files. Starts no driver. Any thread.
std::vector<std::string> gpus();

/// An IPv4 address as "10.0.0.2"; `address` is in host byte order.
std::string dotted(std::uint32_t address);

}  // namespace runnel
