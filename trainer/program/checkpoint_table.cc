// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/program/checkpoint_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>

#include "runtime/base/run_error.h"
#include "trainer/inspect/shown_text.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Not a number where `json` has no number for `key`.
double number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

bool is_share_of_right_answers(const std::string& metric) {
  return metric == "accuracy" || metric == "top5";
}

/// The higher the better.
double merit_of(const ListedCheckpoint& one) {
  constexpr double kWorst = -std::numeric_limits<double>::infinity();
  const std::optional<CheckpointTest> test = test_of(one);
  if (!test) return kWorst;
  const auto share =
      std::ranges::find_if(test->metrics, is_share_of_right_answers, &std::pair<std::string, double>::first);
  const double merit = share == test->metrics.end() ? -test->loss : share->second;
  return std::isnan(merit) ? kWorst : merit;
}

std::string fixed(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4f", number);
  return std::abs(number) < 1e6 ? text.data() : number_text(number);
}

std::string size_text(std::uint64_t bytes) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MB", static_cast<double>(bytes) / 1e6);
  return text.data();
}

/// "2026-03-01 14:02:59 UTC".
std::string date_text(std::string date) {
  std::ranges::replace(date, 'T', ' ');
  if (date.ends_with('Z')) date.replace(date.size() - 1, 1, " UTC");
  return shown(date, 40);
}

std::string test_text(const std::optional<CheckpointTest>& test) {
  if (!test) return "";
  std::string text = "test loss " + fixed(test->loss);
  for (const auto& [name, value] : test->metrics) text += ' ' + shown(name) + ' ' + fixed(value);
  return text + " at step " + std::to_string(test->step);
}

Json json_of(const ListedCheckpoint& one, bool verified) {
  Json json = {{"folder", one.folder.string()}, {"step", one.step}, {"good", one.checkpoint.has_value()}};
  if (!one.checkpoint) {
    json["problem"] = one.problem;
    return json;
  }
  const Manifest& manifest = one.checkpoint->manifest();
  json["verified"] = verified;
  json["date"] = manifest.date;
  json["program"] = manifest.program;
  json["bytes"] = one.checkpoint->bytes();
  json["seats"] = manifest.seats;
  json["trainers"] = manifest.trainers;
  json["generators"] = manifest.shards.size();
  if (const auto test = test_of(one)) {
    json["test"] = {{"step", test->step}, {"loss", test->loss}, {"metrics", Json::object()}};
    for (const auto& [name, value] : test->metrics) json["test"]["metrics"][name] = value;
  }
  return json;
}

}  // namespace

std::optional<CheckpointTest> last_test(const std::string& account) {
  const Json json = Json::parse(account, nullptr, /*allow_exceptions=*/false);
  const auto tests = json.is_object() ? json.find("tests") : json.end();
  if (!json.is_object() || tests == json.end() || !tests->is_array() || tests->empty()) return std::nullopt;
  const Json& last = tests->back();
  if (!last.is_object()) return std::nullopt;
  CheckpointTest test;
  const auto step = last.find("step");
  if (step != last.end() && step->is_number_integer()) test.step = step->get<std::int64_t>();
  test.loss = number_of(last, "loss");
  const auto metrics = last.find("metrics");
  if (metrics == last.end() || !metrics->is_object()) return test;
  for (const auto& [name, value] : metrics->items()) test.metrics.emplace_back(name, number_of(*metrics, name.c_str()));
  return test;
}

std::optional<CheckpointTest> test_of(const ListedCheckpoint& one) {
  return one.checkpoint ? last_test(one.checkpoint->manifest().account) : std::nullopt;
}

std::vector<ListedCheckpoint> checkpoints_in(const fs::path& directory) {
  std::error_code unreadable;
  if (!fs::exists(directory / kManifestName, unreadable)) return list_checkpoints(directory);
  std::vector<ListedCheckpoint> list(1);
  list.front().folder = directory;
  try {
    list.front().checkpoint.emplace(directory);
    list.front().step = list.front().checkpoint->manifest().step;
  } catch (const RunError& error) {
    list.front().problem = error.what();
  }
  return list;
}

bool is_better(const ListedCheckpoint& a, const ListedCheckpoint& b) {
  const double left = merit_of(a), right = merit_of(b);
  return left == right ? a.step < b.step : left > right;
}

std::string checkpoint_table(const std::vector<ListedCheckpoint>& list, bool verified) {
  std::vector<std::vector<std::string>> lines;
  std::string problems;
  for (const ListedCheckpoint& one : list) {
    const std::string name = "step " + std::to_string(one.step);
    if (one.checkpoint) {
      lines.push_back({name, date_text(one.checkpoint->manifest().date), size_text(one.checkpoint->bytes()),
                       verified ? "good, every byte read" : "good", test_text(test_of(one))});
    } else {
      lines.push_back({name, "", "", "cannot be used"});
      problems += shown(one.problem, 1000) + '\n';
    }
  }
  return aligned(lines, /*on_the_right=*/false) + problems;
}

std::string checkpoints_json(const std::vector<ListedCheckpoint>& list, bool verified) {
  Json json = Json::array();
  for (const ListedCheckpoint& one : list) json.push_back(json_of(one, verified));
  return json.dump(2, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace) + '\n';
}

}  // namespace runnel
