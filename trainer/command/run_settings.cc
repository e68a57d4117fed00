// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/command/run_settings.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <variant>

#include "runtime/base/joined.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config.h"
#include "runtime/config/config_schema.h"
#include "runtime/config/config_value.h"
#include "runtime/config/toml_document.h"
#include "transport/log.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kTables = {"transport", "generator", "optimizer", "run"};

void require_meant(const std::string& place, std::string_view path) {
  const std::string_view table = path.substr(0, path.find('.'));
  if (std::ranges::find(kTables, table) == kTables.end()) {
    throw ConfigError(ExitStatus::bad_configuration,
                      place + ": table '" + std::string(table) +
                          "' is for runnel train; the program that runnel run starts decides about that itself, and "
                          "the tables here are " +
                          joined(kTables, ", "));
  }
  if (path != "run.save") return;
  throw ConfigError(
      ExitStatus::bad_configuration,
      place + ": key 'run.save' is for runnel train; a program that runnel run starts saves its parameters by itself");
}

std::string trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
}

/// The file's keys as `key=value`, without those of an optimizer that `config` does not choose: as `--set` they would
/// be mistakes. The file was read into `config`, and is valid.
std::vector<std::string> settings_of(const fs::path& file, const Config& config) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const bool suits = parse_config(text, file).optimizer.name == config.optimizer.name;
  std::vector<std::string> settings;
  for (const TomlEntry& entry : parse_toml(text)) {
    require_meant(printable(file.string(), 4096) + ':' + std::to_string(entry.position.line), entry.path);
    if (std::holds_alternative<TomlTable>(entry.value.data)) continue;
    if (is_rule_key(entry.path) && !(suits && has_effect(*find_config_key(entry.path), config))) continue;
    settings.push_back(entry.path + "=" + print_value(entry.value));
  }
  return settings;
}

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace

RunSettings run_settings(const RunOptions& options) {
  std::vector<std::string> sets = options.sets;
  for (const std::string& set : sets) {
    if (set.find('=') == set.npos) continue;  // an error of its own, below
    require_meant("--set '" + printable(set.substr(0, valid_utf8_bytes(set))) + "'",
                  trimmed(set.substr(0, set.find('='))));
  }
  const auto set_file = [&sets](const char* key, const std::string& file) {
    if (!file.empty()) sets.push_back(std::string(key) + '=' + quoted(fs::absolute(file).string()));
  };
  set_file("run.report", options.report);
  set_file("run.trace", options.trace);
  if (options.generators > 0) sets.push_back("generator.count=" + std::to_string(options.generators));
  const Config config = load_config(options.config, {.sets = sets, .default_data_dir = {}, .on_notice = log_warning});

  RunSettings job;
  job.generators = static_cast<int>(config.generator.count);
  job.trainers = options.trainers > 0 ? options.trainers : std::max(1, cores() - job.generators);
  if (!options.config.empty()) job.settings = settings_of(options.config, config);
  job.settings.insert(job.settings.end(), sets.begin(), sets.end());
  return job;
}

}  // namespace runnel
