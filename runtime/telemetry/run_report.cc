// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/telemetry/run_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/atomic_file.h"
#include "runtime/base/file_name.h"

namespace runnel {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Quantiles& q) {
  return {{"min", q.min}, {"p50", q.p50}, {"p99", q.p99}};
}

/// The names in `path`, which are joined by dots. One in quotes is a string of JSON, too.
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  for (std::size_t begin = 0, end = 0; begin < path.size(); begin = end + 1) {
    end = begin;
    for (bool quoted = false; end < path.size() && (quoted || path[end] != '.'); ++end) {
      if (path[end] == '"') quoted = !quoted;
      if (path[end] == '\\') ++end;
    }
    const std::string name = path.substr(begin, end - begin);
    names.push_back(name.starts_with('"') ? Json::parse(name).get<std::string>() : name);
  }
  return names;
}

// The keys' dotted names become nested objects.
Json to_json(const Config& config) {
  Json json;
  for (const auto& [key, value] : config_values(config)) {
    Json* at = &json;
    for (const std::string& name : names_in(key)) at = &(*at)[name];
    *at = Json::parse(value);
  }
  return json;
}

Json to_json(const RunReport::Process& p) {
  return {{"rank", p.rank}, {"role", p.role}, {"host", p.host}, {"pid", p.pid}, {"device", p.device}};
}

Json to_json(const RunReport::Path& p) {
  return {{"trainer", p.trainer},
          {"generator", p.generator},
          {"path", p.path},
          {"transports", p.transports},
          {"reason", p.reason}};
}

Json to_json(const RunReport::Seconds& s) {
  return {
      {"start", s.start}, {"mpi_init", s.mpi_init}, {"bootstrap", s.bootstrap}, {"data", s.data},
      {"train", s.train}, {"test", s.test},         {"total", s.total},         {"earlier_starts", s.earlier_starts}};
}

Json to_json(const RunReport::Test& t) {
  Json json = {{"loss", t.loss}, {"samples", t.samples}};
  Json metrics = Json::object();
  for (const RunReport::Metric& metric : t.metrics) {
    metrics[metric.name] = metric.value;
    if (metric.name != "accuracy") continue;
    json["accuracy"] = metric.value;
    json["correct"] = static_cast<std::int64_t>(metric.sum);
  }
  json["metrics"] = metrics;
  return json;
}

Json to_json(const RunReport::Lost& l) {
  return {{"rank", l.rank}, {"step", l.step}, {"cause", l.cause}};
}

template <typename Item>
Json array_of(const std::vector<Item>& items) {
  Json json = Json::array();
  for (const Item& item : items) json.push_back(to_json(item));
  return json;
}

Json checkpoint_times(const RunReport& r) {
  Json json = to_json(r.checkpoint_ms);
  json["exposed"] = to_json(r.checkpoint_exposed_ms);
  return json;
}

Json loss_curve(const std::vector<std::pair<std::int64_t, double>>& points) {
  Json json = Json::array();
  for (const auto& [step, loss] : points) json.push_back(Json::array({step, loss}));
  return json;
}

}  // namespace

std::string to_json(const RunReport& r) {
  const Json json = {
      {"runnel", {{"version", r.software.version}, {"commit", r.software.commit}}},
      {"versions", {{"ucx", r.software.ucx}, {"torch", r.software.torch}, {"mpi", r.software.mpi}}},
      {"config", to_json(r.config)},
      {"processes", array_of(r.processes)},
      {"paths", array_of(r.paths)},
      {"starts", r.starts},
      {"resumed_from", r.resumed_from},
      {"steps", r.steps},
      {"gradients", r.gradients},
      {"epochs", r.epochs},
      {"seconds", to_json(r.seconds)},
      {"step_ms", to_json(r.step_ms)},
      {"data_ms", to_json(r.data_ms)},
      {"exchange_ms", to_json(r.exchange_ms)},
      {"exposed_ms", to_json(r.exposed_ms)},
      {"checkpoint_ms", checkpoint_times(r)},
      {"samples_per_second", r.samples_per_second},
      {"bytes", {{"gradient", r.bytes.gradient}, {"parameter", r.bytes.parameter}, {"staged", r.bytes.staged}}},
      {"test", to_json(r.test)},
      {"loss", loss_curve(r.loss)},
      {"parameters_sha256", r.parameters_sha256},
      {"lost", array_of(r.lost)},
      {"exit", r.exit},
  };
  // Host names and reasons come from the system and may not be UTF-8: that must not prevent the report.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string test_json(const RunReport::Test& test) {
  return to_json(test).dump(2);
}

void require_writable_outputs(const RunConfig& run) {
  std::vector<std::pair<std::string, std::string>> earlier;  // key and file
  for (const auto& [key, file] :
       {std::pair("run.report", run.report), {"run.save", run.save}, {"run.trace", run.trace}}) {
    if (file.empty()) continue;
    for (const auto& [other_key, other_file] : earlier) {
      if (!name_same_file(file, other_file)) continue;
      const std::string names = file == other_file ? file : other_file + " and " + file;
      throw RunError(ExitStatus::bad_configuration, other_key + " and " + key + " name the same file, " + names);
    }
    earlier.emplace_back(key, file);
    require_writable(file);
  }
}

void write_report(const RunReport& report, const std::filesystem::path& file) {
  const std::string text = to_json(report);
  AtomicFile replacement(file);
  replacement.append(std::as_bytes(std::span(text)));
  replacement.publish();
}

}  // namespace runnel
