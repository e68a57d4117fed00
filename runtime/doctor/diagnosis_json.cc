// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/doctor/diagnosis_json.h"

#include <arpa/inet.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

namespace runnel {

using Json = nlohmann::json;

// Conversions that the JSON library finds by argument-dependent lookup.

void to_json(Json& json, const DeviceId& device) {
  json = device.to_string();
}

void from_json(const Json& json, DeviceId& device) {
  const auto text = json.get<std::string>();
  const std::optional<DeviceId> known = DeviceId::from_string(text);
  if (!known) throw std::invalid_argument("\"" + text + "\" is no device");
  device = *known;
}

void to_json(Json& json, const NetworkInterface& interface) {
  json = {{"name", interface.name},
          {"address", dotted(interface.address)},
          {"prefix_bits", interface.prefix_bits},
          {"loopback", interface.loopback}};
}

void from_json(const Json& json, NetworkInterface& interface) {
  in_addr address = {};
  inet_pton(AF_INET, json.value("address", "").c_str(), &address);
  interface = {.name = json.value("name", ""),
               .address = ntohl(address.s_addr),
               .prefix_bits = json.value("prefix_bits", 0U),
               .loopback = json.value("loopback", false)};
}

void to_json(Json& json, const PathReport& report) {
  json = {{"path", to_string(report.path)}, {"transports", report.transports}, {"reason", report.reason}};
}

void from_json(const Json& json, PathReport& report) {
  report = {.path = path_from_string(json.value("path", "")).value_or(Path::emulated),
            .transports = json.value("transports", std::vector<std::string>()),
            .reason = json.value("reason", "")};
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Host, name, identity, interfaces)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(UcxComponent, name, usable)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(MachineFacts, host, speeds_mbps, runnel_version, runnel_commit,
                                                torch_version, mpi_version, mpi_components, ucx_version, ucx_libraries,
                                                ucx_components, ucx_environment, name_addresses, rdma_devices,
                                                rdma_ports, gpus, device, cuda_lacks, shared_memory_folder,
                                                shared_memory_bytes, shared_memory_free_bytes,
                                                mpi_shared_memory_free_bytes, huge_pages, huge_pages_free,
                                                transparent_huge_pages, memlock_bytes, open_files, ptrace_scope, cores,
                                                numa_nodes, ignored_settings)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PairMeasurement, path, bell_us, put_us, get_us, copy_us)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Finding, where, what, cost, remedy)

void to_json(Json& json, const TransportConfig& transport) {
  json = {{"path", word_of(transport.path)},
          {"require", word_of(transport.require)},
          {"interface", transport.interface},
          {"bucket_bytes", transport.bucket_bytes}};
}

void to_json(Json& json, const JobFacts& job) {
  json = {{"trainers", job.trainers},
          {"payload_bytes", job.payload_bytes},
          {"generator_shared_memory_bytes", job.generator_shared_memory_bytes},
          {"trainer_shared_memory_bytes", job.trainer_shared_memory_bytes},
          {"trainer_threads", job.trainer_threads},
          {"generator_threads", job.generator_threads},
          {"transport", job.transport}};
}

namespace {

// Names of hosts and devices come from the system and may not be UTF-8: that must not prevent the diagnosis.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

template <class Facts>
Facts unpack(std::string_view text, const std::string& sender) {
  try {
    return Json::parse(text).get<Facts>();
  } catch (const std::exception& error) {
    throw RunError(ExitStatus::protocol_mismatch,
                   "bad facts from " + sender + ": " + error.what() + "; start the same build on every host");
  }
}

}  // namespace

std::string to_json(const Diagnosis& diagnosis, const std::vector<Finding>& findings) {
  const Json json = {{"job", diagnosis.job},     {"ranks", diagnosis.ranks},
                     {"pairs", diagnosis.pairs}, {"untried", diagnosis.not_probed_because},
                     {"findings", findings},     {"exit", findings.empty() ? 0 : 1}};
  return dump(json, 2) + '\n';
}

std::string pack_facts(const MachineFacts& facts) {
  return dump(facts, -1);
}

std::string pack_pair(const PairMeasurement& facts) {
  return dump(facts, -1);
}

std::string pack_device(const DeviceId& device) {
  return dump(device, -1);
}

MachineFacts unpack_facts(std::string_view text, const std::string& sender) {
  return unpack<MachineFacts>(text, sender);
}

PairMeasurement unpack_pair(std::string_view text, const std::string& sender) {
  return unpack<PairMeasurement>(text, sender);
}

DeviceId unpack_device(std::string_view text, const std::string& sender) {
  return unpack<DeviceId>(text, sender);
}

}  // namespace runnel
