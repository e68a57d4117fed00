// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/diagnosis_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/base/joined.h"

namespace runnel {
namespace {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

std::string settings(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> words;
  for (const auto& [name, value] : variables) words.push_back(name + "=" + value);
  return words.empty() ? "none" : joined(words, " ");
}

std::string megabytes(std::int64_t bytes) {
  return bytes < 0 ? "unlimited" : formatted("%.1f MB", static_cast<double>(bytes) / 1e6);
}

std::string components(const MachineFacts& facts) {
  std::vector<std::string> words;
  for (const UcxComponent& component : facts.ucx_components) {
    words.push_back(component.name + (component.usable ? "" : " (not usable here)"));
  }
  return joined(words, " ");
}

std::string interfaces(const MachineFacts& facts) {
  std::vector<std::string> words;
  for (const NetworkInterface& interface : facts.host.interfaces) {
    const auto speed = facts.speeds_mbps.find(interface.name);
    words.push_back(interface.name + " " + dotted(interface.address) + "/" + std::to_string(interface.prefix_bits) +
                    (speed == facts.speeds_mbps.end() ? "" : " " + std::to_string(speed->second) + " Mb/s"));
  }
  return joined(words, ", ");
}

std::string or_none(const std::vector<std::string>& words) {
  return words.empty() ? "none" : joined(words, ", ");
}

std::string row(const char* name, const std::string& value) {
  return formatted("  %-11s ", name) + value + '\n';
}

std::string host_section(const MachineFacts& facts, const std::vector<std::string>& ranks) {
  std::string text =
      "host " + facts.host.name + ": rank" + (ranks.size() == 1 ? " " : "s ") + joined(ranks, ", ") + '\n';
  text += row("Runnel", facts.runnel_version + " (" + facts.runnel_commit + "), LibTorch " + facts.torch_version);
  text += row("UCX", facts.ucx_version + " from " + joined(facts.ucx_libraries, ", "));
  text += row("", "modules and parts: " + components(facts));
  text += row("", "environment: " + settings(facts.ucx_environment));
  text += row("MPI", facts.mpi_version + ", " + settings(facts.mpi_components));
  text += row("processors", formatted("%g cores for %zu processes, NUMA nodes: %lld", facts.cores, ranks.size(),
                                      static_cast<long long>(facts.numa_nodes)));
  if (!facts.ignored_settings.empty()) text += row("", "ignored: " + facts.ignored_settings);
  text += row("memory", facts.shared_memory_folder + " " + megabytes(facts.shared_memory_free_bytes) + " free of " +
                            megabytes(facts.shared_memory_bytes) + "; huge pages " +
                            std::to_string(facts.huge_pages_free) + " free of " + std::to_string(facts.huge_pages) +
                            ", transparent: " + facts.transparent_huge_pages);
  text +=
      row("limits", "locked memory " + megabytes(facts.memlock_bytes) + ", open files " +
                        (facts.open_files < 0 ? "unlimited" : std::to_string(facts.open_files)) + ", ptrace scope " +
                        (facts.ptrace_scope < 0 ? "none (no Yama)" : std::to_string(facts.ptrace_scope)));
  text += row("network", interfaces(facts));
  text += row("", "the host's name resolves to " + or_none(facts.name_addresses));
  text += row("devices", "RDMA: " + or_none(facts.rdma_devices) + "; GPU: " + or_none(facts.gpus));
  return text + '\n';
}

std::string hosts_text(const std::vector<MachineFacts>& ranks) {
  std::string text;
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    const auto on_same_host = [&](const MachineFacts& other) {
      return other.host.identity == ranks[rank].host.identity;
    };
    if (std::any_of(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(rank), on_same_host)) continue;
    std::vector<std::string> names;
    for (std::size_t other = rank; other < ranks.size(); ++other) {
      if (on_same_host(ranks[other])) names.push_back(std::to_string(other));
    }
    text += host_section(ranks[rank], names);
  }
  return text;
}

std::string rate(std::int64_t bytes, double microseconds) {
  return microseconds > 0 ? formatted("%.2f", static_cast<double>(bytes) / microseconds / 1e3) : "-";
}

std::string pairs_text(const Diagnosis& diagnosis) {
  const std::int64_t bytes = diagnosis.job.payload_bytes;
  std::string text = "pairs of a trainer and the generator (" + diagnosis.ranks.front().device.to_string() +
                     "); bell: half a round trip of 8 bytes; put, get, and a copy\n"
                     "inside the trainer for comparison: " +
                     megabytes(bytes) + " in memory of their devices; medians\n";
  if (diagnosis.pairs.empty()) return text + "  not tried: " + diagnosis.not_probed_because + "\n\n";
  const char* columns = "  %-8s %-16s %-7s %-10s %9s %9s %9s %9s  ";
  text += formatted(columns, "trainer", "host", "device", "path", "bell us", "put GB/s", "get GB/s", "copy GB/s") +
          "transports\n";
  for (std::size_t i = 0; i < diagnosis.pairs.size(); ++i) {
    const PairMeasurement& pair = diagnosis.pairs[i];
    const MachineFacts& trainer = diagnosis.ranks[i + 1];
    text += formatted(columns, std::to_string(i).c_str(), trainer.host.name.c_str(), trainer.device.to_string().c_str(),
                      std::string(to_string(pair.path.path)).c_str(), formatted("%.2f", pair.bell_us).c_str(),
                      rate(bytes, pair.put_us).c_str(), rate(bytes, pair.get_us).c_str(),
                      rate(bytes, pair.copy_us).c_str()) +
            joined(pair.path.transports, " ") + "; " + pair.path.reason + '\n';
  }
  return text + '\n';
}

std::string findings_text(const std::vector<Finding>& findings) {
  if (findings.empty()) return "findings: none\n";
  std::string text = "findings: " + std::to_string(findings.size()) + '\n';
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    text += "  " + std::to_string(i + 1) + ". " + finding.where + ": " + finding.what + "; cost: " + finding.cost +
            "; change: " + finding.remedy + '\n';
  }
  return text;
}

}  // namespace

std::string to_text(const Diagnosis& diagnosis, const std::vector<Finding>& findings) {
  return "diagnosis for 1 generator and " + std::to_string(diagnosis.job.trainers) +
         (diagnosis.job.trainers == 1 ? " trainer" : " trainers") + ", a model of " +
         megabytes(diagnosis.job.payload_bytes) + "\n\n" + hosts_text(diagnosis.ranks) + pairs_text(diagnosis) +
         findings_text(findings);
}

}  // namespace runnel
