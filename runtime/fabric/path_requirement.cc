// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/fabric/path_requirement.h"

#include <algorithm>

#include "runtime/bootstrap/rdma_ports.h"
#include "transport/transport_list.h"
#include "transport/ucx_setting.h"

namespace runnel {
namespace {

bool meets(RequiredPath require, const PathReport& path, bool same_host) {
  const bool needs_rdma = require == RequiredPath::rdma && !same_host;
  return path.path >= least_path(require) && (!needs_rdma || std::ranges::any_of(path.transports, is_rdma));
}

bool is_cuda_ipc(std::string_view transport) {
  return transport.starts_with("cuda_ipc/");
}

std::string between_devices(const PathReport& path, const PairFacts& facts) {
  if (std::ranges::any_of(path.transports, is_cuda_ipc)) {
    return path.reason +
           "; place both on GPUs that map each other's memory (nvidia-smi topo -p2p r), and use UCX 1.22 or later";
  }
  if (!TransportList(facts.ucx_tls).selects("cuda_ipc"))
    return "UCX_TLS=" + facts.ucx_tls + " leaves cuda_ipc out; unset it";
  return "UCX connects them without cuda_ipc; use one that has it, and in containers the host's IPC namespace";
}

std::string within_a_host(RequiredPath require, const PathReport& path, const PairFacts& facts) {
  if (facts.on_devices) return between_devices(path, facts);
  if (std::ranges::any_of(path.transports, is_shared_memory)) {
    if (require == RequiredPath::mapped) return path.reason + "; give both processes the same /dev/shm and user";
    return path.reason + "; let processes copy from each other (cma: kernel.yama.ptrace_scope, CAP_SYS_PTRACE), or " +
           "leave transport.path at \"auto\"";
  }
  if (!TransportList(facts.ucx_tls).selects_shared_memory()) {
    return "UCX_TLS=" + facts.ucx_tls + " leaves shared memory out; unset it";
  }
  return "UCX connects them without shared memory; give both processes the same /dev/shm, as containers do that share "
         "the host's IPC namespace";
}

std::string between_hosts(RequiredPath require, const PathReport& path, const PairFacts& facts) {
  if (require == RequiredPath::mapped) {
    return "they are on different hosts, where no memory can be mapped; start all processes on one host";
  }
  if (facts.rdma_ports.empty()) {
    return "this host has no active RDMA device in /sys/class/infiniband; use hosts that have one";
  }
  const std::string& port = facts.rdma_ports.front();
  if (!facts.ucx_has_rdma) {
    return "this build of UCX has no module for the RDMA device " + port +
           "; build against the site's own UCX (cmake/README.md)";
  }
  if (std::ranges::any_of(path.transports, is_rdma)) {
    return path.reason + "; name a transport of the device that works alone in UCX_TLS, as rc";
  }
  if (!TransportList(facts.ucx_tls).selects_rdma()) {
    return "UCX_TLS=" + facts.ucx_tls + " leaves the RDMA device " + port + " out; unset it";
  }
  return "UCX does not connect them by the RDMA device " + port +
         "; check that the peer's host has one in the same network, and transport.interface";
}

}  // namespace

PairFacts pair_facts(bool same_host, bool on_devices) {
  return {.same_host = same_host,
          .on_devices = on_devices,
          .ucx_tls = user_setting("TLS").value_or(""),
          .rdma_ports = rdma_ports(),
          .ucx_has_rdma = ucx_has_rdma()};
}

std::string unmet_requirement(RequiredPath require, const PathReport& path, const PairFacts& facts) {
  if (meets(require, path, facts.same_host)) return "";
  return facts.same_host ? within_a_host(require, path, facts) : between_hosts(require, path, facts);
}

}  // namespace runnel
