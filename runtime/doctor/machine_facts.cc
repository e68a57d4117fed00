// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/machine_facts.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>

#include "runtime/bootstrap/rdma_ports.h"
#include "runtime/device/device_module.h"
#include "runtime/launch/launch_place.h"
#include "runtime/launch/mpi_segments.h"
#include "transport/context.h"
#include "transport/shared_memory.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::string line;
  std::getline(std::ifstream(file) >> std::ws, line);
  return line;
}

std::int64_t number_in(const fs::path& file, std::int64_t otherwise) {
  std::int64_t number = 0;
  return std::ifstream(file) >> number ? number : otherwise;
}

/// Names in a folder, sorted; none when there is no such folder.
std::vector<std::string> names_in(const fs::path& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename());
  }
  std::ranges::sort(names);
  return names;
}

/// Virtual interfaces and some drivers report an error or -1.
std::map<std::string, std::int64_t> speeds_mbps(const Host& host) {
  std::map<std::string, std::int64_t> speeds;
  for (const NetworkInterface& interface : host.interfaces) {
    const std::int64_t speed = number_in(fs::path("/sys/class/net") / interface.name / "speed", 0);
    if (speed > 0) speeds[interface.name] = speed;
  }
  return speeds;
}

std::vector<std::string> addresses_of(const std::string& name) {
  addrinfo hints = {};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(first, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* at = first; at != nullptr; at = at->ai_next) {
    addresses.push_back(dotted(ntohl(reinterpret_cast<const sockaddr_in*>(at->ai_addr)->sin_addr.s_addr)));
  }
  return addresses;
}

/// Every libucp file that is mapped into this process.
std::vector<std::string> loaded_ucx_libraries() {
  std::ifstream maps("/proc/self/maps");
  std::set<std::string> files = {ucx_library_file()};
  for (std::string line; std::getline(maps, line);) {
    const std::size_t path = line.find('/');
    if (path != std::string::npos && line.find("/libucp.so") != std::string::npos) files.insert(line.substr(path));
  }
  // One file under two names, a link and its target, is one library.
  std::vector<std::string> libraries;
  for (const std::string& file : files) {
    const auto same = [&](const std::string& other) {
      std::error_code error;
      return fs::equivalent(file, other, error);
    };
    if (std::ranges::none_of(libraries, same)) libraries.push_back(file);
  }
  return libraries;
}

std::map<std::string, std::string> variables_from(const std::string& prefix, bool strip) {
  std::map<std::string, std::string> found;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string text = *at;
    const std::size_t equals = text.find('=');
    if (!text.starts_with(prefix) || equals == std::string::npos) continue;
    found[text.substr(strip ? prefix.size() : 0, equals - (strip ? prefix.size() : 0))] = text.substr(equals + 1);
  }
  return found;
}

std::map<std::string, std::string> ucx_environment() {
  auto variables = variables_from("UCX_", false);
  for (const EnvironmentSetting& own : settings_before_exec()) {
    const auto found = variables.find(own.name);
    if (found != variables.end() && found->second == own.value) variables.erase(found);
  }
  return variables;
}

std::map<std::string, std::string> mpi_components() {
  auto selected = variables_from("OMPI_MCA_", true);
  std::erase_if(selected, [](const auto& variable) {
    return variable.first != "pml" && variable.first != "osc" && variable.first != "btl";
  });
  return selected;
}

std::int64_t limit_of(__rlimit_resource resource) {
  rlimit limit = {};
  if (getrlimit(resource, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<std::int64_t>(limit.rlim_cur);
}

/// cpu.max of this process's cgroup (Linux: Documentation/admin-guide/cgroup-v2.rst): "QUOTA PERIOD" or "max PERIOD".
double cgroup_cores() {
  const std::string group = first_line("/proc/self/cgroup");
  const std::string below = group.starts_with("0::") ? group.substr(3) : "";
  for (const std::string& folder : {"/sys/fs/cgroup" + below, std::string("/sys/fs/cgroup")}) {
    std::ifstream file(folder + "/cpu.max");
    double quota = 0;
    double period = 0;
    if (file >> quota >> period && period > 0) return quota / period;
  }
  return 0;
}

double usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const double by_affinity = sched_getaffinity(0, sizeof set, &set) == 0
                                 ? CPU_COUNT(&set)
                                 : static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN));
  const double by_quota = cgroup_cores();
  return by_quota > 0 ? std::min(by_affinity, by_quota) : by_affinity;
}

/// The word in brackets of "always [madvise] never".
std::string transparent_huge_pages() {
  const std::string modes = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::size_t open = modes.find('[');
  const std::size_t close = modes.find(']');
  return close == std::string::npos || open > close ? "" : modes.substr(open + 1, close - open - 1);
}

void read_memory(MachineFacts& facts) {
  struct statvfs info = {};
  facts.shared_memory_folder = shared_memory_folder();
  if (statvfs(shared_memory_folder(), &info) == 0) {
    facts.shared_memory_bytes = static_cast<std::int64_t>(info.f_blocks * info.f_frsize);
    facts.shared_memory_free_bytes = static_cast<std::int64_t>(info.f_bavail * info.f_frsize);
  }
  if (const auto free_bytes = free_shared_memory(MpiSegments::kFolder)) {
    facts.mpi_shared_memory_free_bytes = static_cast<std::int64_t>(*free_bytes);
  }
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::int64_t value = 0;
    words >> name >> value;
    if (name == "HugePages_Total:") facts.huge_pages = value;
    if (name == "HugePages_Free:") facts.huge_pages_free = value;
  }
  facts.transparent_huge_pages = transparent_huge_pages();
  facts.memlock_bytes = limit_of(RLIMIT_MEMLOCK);
}

std::int64_t numa_nodes() {
  const auto names = names_in("/sys/devices/system/node");
  const auto nodes = std::ranges::count_if(names, [](const std::string& name) {
    return name.starts_with("node") && name.find_first_not_of("0123456789", 4) == std::string::npos;
  });
  return std::max<std::int64_t>(1, nodes);
}

}  // namespace

std::vector<std::string> gpus() {
  const fs::path driver = "/proc/driver/nvidia/gpus";
  std::vector<std::string> found;
  for (const std::string& bus : names_in(driver)) {
    std::ifstream lines(driver / bus / "information");
    std::string model = bus;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("Model:")) model = line.substr(line.find_first_not_of(" \t", 6));
    }
    found.push_back(model);
  }
  if (!found.empty()) return found;
  // In a container the driver's folder may be hidden while the devices are there.
  for (const std::string& name : names_in("/dev")) {
    const std::string number = name.starts_with("nvidia") ? name.substr(6) : "";
    if (!number.empty() && number.find_first_not_of("0123456789") == std::string::npos) found.push_back("/dev/" + name);
  }
  return found;
}

std::string dotted(std::uint32_t address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  const in_addr network_order = {.s_addr = htonl(address)};
  inet_ntop(AF_INET, &network_order, text.data(), text.size());
  return text.data();
}

MachineFacts read_machine_facts() {
  MachineFacts facts;
  facts.host = Host::local();
  facts.speeds_mbps = speeds_mbps(facts.host);
  facts.mpi_components = mpi_components();
  facts.ucx_version = ucx_version();
  facts.ucx_components = ucx_components();
  facts.ucx_libraries = loaded_ucx_libraries();
  facts.ucx_environment = ucx_environment();
  facts.name_addresses = addresses_of(facts.host.name);
  facts.rdma_devices = names_in("/sys/class/infiniband");
  facts.rdma_ports = rdma_ports();
  facts.gpus = gpus();
  if (!facts.gpus.empty()) facts.cuda_lacks = find_cuda().reason;
  read_memory(facts);
  facts.open_files = limit_of(RLIMIT_NOFILE);
  facts.ptrace_scope = number_in("/proc/sys/kernel/yama/ptrace_scope", -1);
  facts.cores = usable_cores();
  facts.numa_nodes = numa_nodes();
  facts.ignored_settings = ignored_settings();
  return facts;
}

}  // namespace runnel
