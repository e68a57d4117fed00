// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "runtime/base/joined.h"
#include "runtime/config/config.h"
#include "runtime/config/config_schema.h"
#include "runtime/config/config_value.h"

namespace runnel {
namespace {

// A key is left out when it has no effect, or when it is a file that is not named.
bool is_printed(const ConfigKey& key, const Config& config) {
  const std::string value = print_value(key.type, config);
  const bool unnamed_file = std::holds_alternative<FileKey>(key.type) && value == "\"\"";
  const bool no_options = std::holds_alternative<OptionsKey>(key.type) && value == "{}";
  return has_effect(key, config) && !unnamed_file && !no_options;
}

std::string code(std::string_view text) {
  return std::string("`").append(text).append("`");
}

std::string cell(std::string_view text) {
  return " " + std::string(text) + " |";
}

std::string default_text(const ConfigKey& key) {
  std::string text = code(print_value(key.type, Config{}));
  for (const RuleDefaults& defaults : rule_defaults()) {
    Config config;
    config.optimizer.name = defaults.rule;
    config.optimizer.lr = defaults.lr;
    config.optimizer.eps = defaults.eps;
    config.optimizer.weight_decay = defaults.weight_decay;
    const std::string value = code(print_value(key.type, config));
    if (key.path == "optimizer.name" || !has_effect(key, config) || text.starts_with(value)) continue;
    text.append("; ").append(word_of(defaults.rule)).append(": ").append(value);
  }
  return text;
}

std::string effect_text(const ConfigKey& key) {
  std::string text(key.effect);
  if (key.only_with.key.empty()) return text;
  return text + " Only with `" + std::string(key.only_with.key) + "` = " + joined(key.only_with.values, ", ") + '.';
}

}  // namespace

std::string print_toml(const Config& config) {
  std::string text;
  std::string_view table;
  for (const ConfigKey& key : config_keys()) {
    if (!is_printed(key, config)) continue;
    const std::size_t dot = key.path.find('.');
    if (key.path.substr(0, dot) != table) {
      table = key.path.substr(0, dot);
      text += (text.empty() ? "[" : "\n[") + std::string(table) + "]\n";
    }
    text += std::string(key.path.substr(dot + 1)) + " = " + print_value(key.type, config) + '\n';
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> config_values(const Config& config) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const ConfigKey& key : config_keys()) {
    if (const auto* table = std::get_if<OptionsKey>(&key.type)) {
      for (const Option& option : table->field(const_cast<Config&>(config))) {  // only reads
        values.emplace_back(std::string(key.path) + '.' + option.name, option.text);
      }
    } else if (is_printed(key, config)) {
      values.emplace_back(key.path, print_value(key.type, config));
    }
  }
  return values;
}

std::string optimizer_summary(const Config& config) {
  constexpr std::string_view kTable = "optimizer.";
  std::vector<std::string> values;
  for (const ConfigKey& key : config_keys()) {
    if (!key.path.starts_with(kTable) || !has_effect(key, config)) continue;
    values.push_back(std::string(key.path.substr(kTable.size())) + " = " + print_value(key.type, config));
  }
  return joined(values, ", ");
}

std::vector<std::string> canonical_lines(const Config& config) {
  std::vector<std::string> lines;
  for (const ConfigKey& key : config_keys()) {
    if (std::holds_alternative<FileKey>(key.type)) continue;
    lines.push_back(std::string(key.path) + " = " + print_value(key.type, config));
  }
  return lines;
}

std::string reference_table_markdown() {
  std::string text = "| key | takes | default | unit | effect |\n|---|---|---|---|---|\n";
  for (const ConfigKey& key : config_keys()) {
    text += '|' + cell(code(key.path)) + cell(describe(key.type)) + cell(default_text(key)) + cell(key.unit) +
            cell(effect_text(key)) + '\n';
  }
  return text;
}

}  // namespace runnel
