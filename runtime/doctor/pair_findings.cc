// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/pair_findings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "runtime/base/joined.h"
#include "runtime/fabric/path_requirement.h"

namespace runnel {
namespace {

std::vector<Host> hosts_of(const Diagnosis& diagnosis) {
  std::vector<Host> hosts;
  for (const MachineFacts& rank : diagnosis.ranks) hosts.push_back(rank.host);
  return hosts;
}

bool one_host(const std::vector<Host>& hosts) {
  return std::ranges::all_of(hosts, [&](const Host& host) { return host.identity == hosts.front().identity; });
}

/// Those that UCX can use.
std::vector<std::string> usable_rdma_ports(const MachineFacts& facts) {
  return has_rdma(facts.ucx_components) ? facts.rdma_ports : std::vector<std::string>();
}

std::int64_t speed_of(const MachineFacts& facts, const std::string& interface) {
  const auto found = facts.speeds_mbps.find(interface);
  return found == facts.speeds_mbps.end() ? 0 : found->second;
}

/// The fastest interface of a host by which all hosts can be reached. `choose_interface` takes the first such, so it is
/// called again without those already seen.
std::string fastest_interface(const MachineFacts& facts, const std::vector<Host>& hosts) {
  Host left = facts.host;
  std::string fastest;
  for (std::string name = choose_interface(left, hosts); !name.empty(); name = choose_interface(left, hosts)) {
    if (fastest.empty() || speed_of(facts, name) > speed_of(facts, fastest)) fastest = name;
    std::erase_if(left.interfaces, [&](const NetworkInterface& interface) { return interface.name == name; });
  }
  return fastest;
}

void judge_interface(const MachineFacts& facts, const std::vector<Host>& hosts, const std::string& configured,
                     std::vector<Finding>& found) {
  const std::string where = "host " + facts.host.name;
  const auto ports = usable_rdma_ports(facts);
  const std::string missing = configured == "auto" ? "" : missing_interface(configured, facts.host, ports);
  if (!missing.empty()) {
    found.push_back({where,
                     "transport.interface names " + missing + ", which this host does not have; it has " +
                         interface_names(facts.host, ports),
                     "runnel train refuses to run",
                     "set transport.interface to one that every host has, or leave it at \"auto\""});
    return;
  }
  if (one_host(hosts)) return;
  const std::string used = configured == "auto" ? choose_interface(facts.host, hosts) : configured;
  const std::string fastest = fastest_interface(facts, hosts);
  if (speed_of(facts, used) == 0 || speed_of(facts, fastest) <= speed_of(facts, used)) return;
  found.push_back({where,
                   "peers are reached by " + used + " with " + std::to_string(speed_of(facts, used)) +
                       " Mb/s, although " + fastest + " with " + std::to_string(speed_of(facts, fastest)) +
                       " Mb/s connects the same hosts",
                   "gradients and parameters take " + std::to_string(speed_of(facts, fastest) / speed_of(facts, used)) +
                       " times as long",
                   "set transport.interface to \"" + fastest + "\""});
}

/// One trainer and the generator.
struct PairView {
  const MachineFacts& trainer;
  const MachineFacts& generator;
  const PairMeasurement& measured;
  const JobFacts& job;

  bool same_host() const { return trainer.host.identity == generator.host.identity; }
  bool on_devices() const { return !trainer.device.is_cpu() && !generator.device.is_cpu(); }

  std::string path() const {
    return std::string(to_string(measured.path.path)) + " (" + joined(measured.path.transports, " ") +
           "): " + measured.path.reason;
  }

  PairFacts requirement_facts() const {
    PairFacts known{.same_host = same_host(),
                    .on_devices = on_devices(),
                    .ucx_tls = {},
                    .rdma_ports = trainer.rdma_ports,
                    .ucx_has_rdma = false};
    for (const MachineFacts* side : {&generator, &trainer}) {
      const auto found = side->ucx_environment.find("UCX_TLS");
      if (found != side->ucx_environment.end()) known.ucx_tls = found->second;
    }
    known.ucx_has_rdma = has_rdma(trainer.ucx_components);
    return known;
  }

  /// Why the path does not meet `wanted`, a value of transport.require, and the remedy; empty when it does.
  std::string shortfall(RequiredPath wanted) const {
    return unmet_requirement(wanted, measured.path, requirement_facts());
  }

  std::string cost() const {
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), "a put of %.1f MB takes %.0f us, a get %.0f us, a copy in memory %.0f us",
                  static_cast<double>(job.payload_bytes) / 1e6, measured.put_us, measured.get_us, measured.copy_us);
    return text.data();
  }
};

RequiredPath requirement_of(Path path) {
  if (path == Path::mapped) return RequiredPath::mapped;
  return path == Path::one_sided ? RequiredPath::one_sided : RequiredPath::any;
}

void judge_pair(const PairView& pair, const std::string& where, std::vector<Finding>& found) {
  const RequiredPath require = pair.job.transport.require;
  if (const std::string shortfall = pair.shortfall(require); !shortfall.empty()) {
    found.push_back(
        {where, "does not reach transport.require = \"" + std::string(word_of(require)) + "\": it is " + pair.path(),
         "runnel train refuses to run", shortfall + ", or lower transport.require"});
    return;
  }
  // A path that the configuration forces needs no better one.
  const std::optional<Path> forced = pair.job.transport.path;
  if (pair.same_host()) {
    const Path possible = forced.value_or(Path::mapped);
    const std::string shortfall = pair.shortfall(requirement_of(possible));
    if (shortfall.empty()) return;
    const bool lacks_cma = possible != Path::mapped && !pair.on_devices();
    found.push_back(
        {where,
         "the path to the generator on its own host is not " + std::string(to_string(possible)) + " but " + pair.path(),
         pair.cost(), lacks_cma ? "let processes copy each other's memory (cma)" : shortfall});
  } else if (!forced && !pair.trainer.rdma_devices.empty() && !pair.generator.rdma_devices.empty()) {
    const std::string shortfall = pair.shortfall(RequiredPath::rdma);
    if (shortfall.empty()) return;
    found.push_back({where,
                     "does not reach the generator by RDMA, although both hosts have devices, but by " + pair.path(),
                     pair.cost(), shortfall});
  }
}

/// Names of the variables whose values differ.
std::string differing_settings(const MachineFacts& a, const MachineFacts& b) {
  std::set<std::string> names;
  for (const auto& [one, other] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    for (const auto& [name, value] : one->ucx_environment) {
      const auto found = other->ucx_environment.find(name);
      if (found == other->ucx_environment.end() || found->second != value) names.insert(name);
    }
  }
  return joined(names, ", ");
}

/// Appends new findings; adds the place of a known finding to it.
void merge(std::vector<Finding>& all, const std::vector<Finding>& more) {
  for (const Finding& finding : more) {
    const auto known = std::ranges::find_if(
        all, [&](const Finding& other) { return other.what == finding.what && other.remedy == finding.remedy; });
    if (known == all.end())
      all.push_back(finding);
    else
      known->where += ", " + finding.where;
  }
}

}  // namespace

std::vector<Finding> find_interface_problems(const Diagnosis& diagnosis) {
  const auto hosts = hosts_of(diagnosis);
  std::vector<Finding> found;
  std::set<std::string> judged;
  for (const MachineFacts& rank : diagnosis.ranks) {
    if (!judged.insert(rank.host.identity).second) continue;
    judge_interface(rank, hosts, diagnosis.job.transport.interface, found);
  }
  return found;
}

std::vector<Finding> find_pair_problems(const Diagnosis& diagnosis) {
  std::vector<Finding> all;
  for (std::size_t rank = 1; rank < diagnosis.ranks.size(); ++rank) {
    const MachineFacts& trainer = diagnosis.ranks[rank];
    const std::string where = "trainer " + std::to_string(rank - 1) + " on " + trainer.host.name;
    std::vector<Finding> found;
    if (rank <= diagnosis.pairs.size()) {
      judge_pair({trainer, diagnosis.ranks.front(), diagnosis.pairs[rank - 1], diagnosis.job}, where, found);
    }
    const std::string differing = differing_settings(diagnosis.ranks.front(), trainer);
    if (!differing.empty()) {
      found.push_back({where, "UCX settings differ from the generator's: " + differing,
                       "the two ends choose different transports and may fail to connect",
                       "set them to the same values on every host (mpirun -x NAME), or unset them"});
    }
    merge(all, found);
  }
  return all;
}

}  // namespace runnel
