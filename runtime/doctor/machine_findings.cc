// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/machine_findings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/doctor/pair_findings.h"
#include "runtime/launch/launcher.h"
#include "runtime/launch/mpi_segments.h"

namespace runnel {
namespace {

/// A host with the ranks that run on it.
struct HostView {
  const MachineFacts& facts;  ///< of its first rank
  std::vector<std::size_t> ranks;

  std::string where() const { return "host " + facts.host.name; }
};

std::vector<HostView> hosts_of(const std::vector<MachineFacts>& ranks) {
  std::vector<HostView> hosts;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto known = std::ranges::find_if(
        hosts, [&](const HostView& host) { return host.facts.host.identity == ranks[rank].host.identity; });
    if (known == hosts.end())
      hosts.push_back({ranks[rank], {rank}});
    else
      known->ranks.push_back(rank);
  }
  return hosts;
}

std::string megabytes(std::int64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text.data();
}

const UcxComponent* component(const MachineFacts& facts, std::string_view name) {
  const auto found = std::ranges::find(facts.ucx_components, name, &UcxComponent::name);
  return found == facts.ucx_components.end() ? nullptr : &*found;
}

/// Judges one host; findings go to `out`.
class HostJudge {
 public:
  HostJudge(const Diagnosis& diagnosis, const HostView& host, std::vector<Finding>& out)
      : job_(diagnosis.job), host_(host), facts_(host.facts), ranks_(diagnosis.ranks), out_(out) {}

  void judge(bool names_matter) {
    libraries();
    cma();
    devices();
    shared_memory();
    limits();
    threads();
    if (names_matter) name();
  }

 private:
  void add(std::string what, std::string cost, std::string remedy) {
    out_.push_back({host_.where(), std::move(what), std::move(cost), std::move(remedy)});
  }

  void libraries() {
    if (facts_.ucx_libraries.size() > 1) {
      add("a process has loaded " + std::to_string(facts_.ucx_libraries.size()) + " UCX libraries (" +
              joined(facts_.ucx_libraries, ", ") + ")",
          "they share settings and signal handlers, and crash in each other's code",
          "unset OMPI_MCA_pml, OMPI_MCA_osc and LD_PRELOAD, or build Runnel against the UCX of your MPI (UCX_ROOT)");
    }
    const auto pml = facts_.mpi_components.find("pml");
    if (pml != facts_.mpi_components.end() && pml->second != "ob1") {
      add("OMPI_MCA_pml=" + pml->second + " overrides Runnel's choice of ob1",
          "MPI_Init takes longer, and MPI uses the network device as well as Runnel", "unset OMPI_MCA_pml");
    }
  }

  void cma() {
    if (host_.ranks.size() < 2) return;
    const UcxComponent* cma = component(facts_, "cma");
    if (cma != nullptr && cma->usable) return;
    const std::string cost =
        "UCX adds a tcp connection to shared memory, which every wait polls; a get from a slab that cannot be mapped "
        "is "
        "emulated and needs the owner's CPU";
    const auto modules = facts_.ucx_environment.find("UCX_MODULES");
    if (cma == nullptr && modules != facts_.ucx_environment.end()) {
      add("UCX has not loaded its module cma: UCX_MODULES=" + modules->second, cost, "unset UCX_MODULES");
    } else if (cma == nullptr) {
      add("UCX has no module cma (" + joined(facts_.ucx_libraries, ", ") + ")", cost,
          "install the file libuct_cma.so of this UCX into its folder ucx/");
    } else if (facts_.ptrace_scope > 1) {
      add("the kernel does not let processes copy each other's memory (cma): kernel.yama.ptrace_scope is " +
              std::to_string(facts_.ptrace_scope),
          cost, "as root: sysctl kernel.yama.ptrace_scope=1 (after 3, only a restart of the machine changes it)");
    } else {
      add("the system does not let processes copy each other's memory (cma): process_vm_writev fails", cost,
          "allow it in the container's seccomp profile, or add the capability SYS_PTRACE");
    }
  }

  void devices() {
    const UcxComponent* verbs = rdma_component(facts_.ucx_components);
    if (!facts_.rdma_devices.empty() && (verbs == nullptr || !verbs->usable)) {
      add("RDMA devices (" + joined(facts_.rdma_devices, ", ") + ") that UCX " +
              (verbs == nullptr ? "has no verbs module (ib) for" : "finds no usable port of"),
          "peers on other hosts are reached over tcp: some 10 times the latency, emulated, with the target's CPU",
          verbs == nullptr ? "build Runnel against a UCX with verbs: -DUCX_ROOT=DIR, cmake/README.md"
                           : "check the link (ibstat) and the rights on /dev/infiniband");
    }
    const UcxComponent* cuda = component(facts_, "cuda_cpy");
    if (!facts_.gpus.empty() && cuda == nullptr) {
      add("GPUs (" + joined(facts_.gpus, ", ") + ") that UCX has no CUDA module for",
          "memory of a GPU can only be moved through copies in host memory",
          "use a UCX built with CUDA, and make sure that the driver's library libcuda.so.1 is found");
    }
    if (!facts_.cuda_lacks.empty()) {
      const std::size_t end = std::min(facts_.cuda_lacks.find("; "), facts_.cuda_lacks.size());
      add("GPUs (" + joined(facts_.gpus, ", ") + ") that Runnel cannot use: " + facts_.cuda_lacks.substr(0, end),
          "every process computes on the CPU", facts_.cuda_lacks.substr(std::min(end + 2, facts_.cuda_lacks.size())));
    }
    if (!facts_.rdma_devices.empty() && facts_.memlock_bytes >= 0 && facts_.memlock_bytes < memory_needed()) {
      add("the limit of locked memory is " + megabytes(facts_.memlock_bytes) + ", a job registers up to " +
              megabytes(memory_needed()),
          "registration with the RDMA device fails", "raise it: ulimit -l unlimited, or memlock in limits.conf");
    }
  }

  std::int64_t memory_needed() const {
    std::int64_t bytes = 0;
    for (const std::size_t rank : host_.ranks) {
      bytes += rank == 0 ? job_.generator_shared_memory_bytes : job_.trainer_shared_memory_bytes;
    }
    return bytes;
  }

  /// MPI needs its memory free while the ranks start, before UCX allocates: of one folder, the larger need counts.
  void shared_memory() {
    const std::string& folder = facts_.shared_memory_folder;
    const auto of_mpi = static_cast<std::int64_t>(MpiSegments::bytes_needed(host_.ranks.size()));
    const bool is_shared = folder == MpiSegments::kFolder;
    const std::int64_t needed = is_shared ? std::max(memory_needed(), of_mpi) : memory_needed();
    if (facts_.shared_memory_free_bytes < needed) {
      add_short(folder, megabytes(facts_.shared_memory_free_bytes) + " free of " +
                            megabytes(facts_.shared_memory_bytes) + ", this job needs " + megabytes(needed));
    }
    const std::int64_t free_for_mpi = facts_.mpi_shared_memory_free_bytes;
    if (is_shared || free_for_mpi < 0 || free_for_mpi >= of_mpi) return;
    add_short(MpiSegments::kFolder, megabytes(free_for_mpi) + " free, MPI needs " + megabytes(of_mpi));
  }

  void add_short(const std::string& folder, const std::string& has) {
    add(folder + " has " + has, "the job does not start",
        "enlarge it (mount -o remount,size=SIZE " + folder +
            "; --shm-size in a container) or "
            "remove leftover files");
  }

  void limits() {
    if (facts_.open_files < 0) return;
    const std::int64_t needed = open_files_needed(job_.trainers + 1);
    if (facts_.open_files >= needed) return;
    add("the limit of open files is " + std::to_string(facts_.open_files) + ", this job needs " +
            std::to_string(needed),
        "mpirun or a rank ends during its start",
        "raise it: ulimit -n " + std::to_string(std::max<std::int64_t>(1024, needed)) + ", or nofile in limits.conf");
  }

  /// Processes that outnumber cores park while they wait. Threads of one trainer wait for each other in every pass.
  void threads() {
    if (job_.trainer_threads < 2) return;
    const auto trainers = std::ranges::count_if(host_.ranks, [](std::size_t rank) { return rank > 0; });
    double cores = 0;
    for (const std::size_t rank : host_.ranks) cores = std::max(cores, ranks_[rank].cores);
    if (static_cast<double>(trainers * job_.trainer_threads) <= cores) return;
    add(std::to_string(trainers) + " trainers with " + std::to_string(job_.trainer_threads) + " threads each for " +
            std::to_string(std::lround(cores)) + " cores",
        "threads of one pass wait for each other to get a core",
        "lower trainer.threads, or bind ranks to more cores (mpirun --bind-to none)");
  }

  void name() {
    const auto loopback = std::ranges::find_if(facts_.name_addresses,
                                               [](const std::string& address) { return address.starts_with("127."); });
    if (loopback != facts_.name_addresses.end()) {
      add("the name " + facts_.host.name + " resolves to loopback (" + *loopback + ") on this host itself",
          "programs that find hosts by name, such as mpirun and its daemons, connect to themselves: ranks hang at "
          "start "
          "or run on the wrong host",
          "give the name its network address in /etc/hosts, or remove it from the 127.* lines");
    } else if (facts_.name_addresses.empty()) {
      add("the name " + facts_.host.name + " does not resolve on this host itself",
          "programs that find hosts by name fail at start",
          "add the name with its network address to /etc/hosts or DNS");
    }
  }

  const JobFacts& job_;
  const HostView& host_;
  const MachineFacts& facts_;
  const std::vector<MachineFacts>& ranks_;
  std::vector<Finding>& out_;
};

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::vector<Finding> find_mismatches(const std::vector<MachineFacts>& ranks) {
  std::vector<Finding> found;
  for (std::size_t rank = 1; rank < ranks.size(); ++rank) {
    const MachineFacts& first = ranks.front();
    const MachineFacts& other = ranks[rank];
    const std::string where = "rank " + std::to_string(rank) + " on " + other.host.name;
    if (other.ucx_version != first.ucx_version) {
      found.push_back({where,
                       "UCX " + other.ucx_version + " (" + joined(other.ucx_libraries, ", ") + "), rank 0 on " +
                           first.host.name + " has " + first.ucx_version + " (" + joined(first.ucx_libraries, ", ") +
                           ")",
                       "the processes refuse to connect: UCX's versions do not understand each other",
                       "install the same UCX on every host, and check LD_LIBRARY_PATH"});
    }
    if (other.runnel_version != first.runnel_version || other.runnel_commit != first.runnel_commit) {
      found.push_back({where,
                       "Runnel " + other.runnel_version + " (" + other.runnel_commit + "), rank 0 on " +
                           first.host.name + " has " + first.runnel_version + " (" + first.runnel_commit + ")",
                       "processes of different versions refuse to connect, or misunderstand each other",
                       "start the same build on every host"});
    }
  }
  return found;
}

std::vector<Finding> find_problems(const Diagnosis& diagnosis) {
  std::vector<Finding> found = find_mismatches(diagnosis.ranks);
  const auto hosts = hosts_of(diagnosis.ranks);
  for (const HostView& host : hosts)
    HostJudge(diagnosis, host, found).judge(hosts.size() > 1 || diagnosis.job.has_named_hosts);
  append(found, find_interface_problems(diagnosis));
  append(found, find_pair_problems(diagnosis));
  if (found.empty() && !diagnosis.not_probed_because.empty()) {
    found.push_back({"job", diagnosis.not_probed_because, "this job does not run", "correct what this line names"});
  }
  return found;
}

}  // namespace runnel
