// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config_reader.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <vector>

#include "runtime/base/file_name.h"
#include "runtime/base/joined.h"
#include "runtime/base/nearest_word.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config_value.h"
#include "runtime/config/known_keys.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

bool is_table(const TomlValue& value) {
  return std::holds_alternative<TomlTable>(value.data);
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// Whether `path`, names joined by dots, needs no quotes.
bool is_bare(const std::string& path) {
  return path.find("..") == path.npos && !path.ends_with('.') && std::ranges::all_of(path, [](unsigned char c) {
           return (c < 0x80 && std::isalnum(c) != 0) || c == '_' || c == '-' || c == '.';
         });
}

/// `path`, a key of TOML, as entries have it; nothing if it is none. Blanks may stand around its dots.
std::optional<std::string> as_key(const std::string& path) {
  if (is_bare(path)) return path;
  try {
    const std::vector<TomlEntry> entries = parse_toml(path + " = 0");
    return entries.empty() ? std::nullopt : std::optional(entries.back().path);
  } catch (const TomlError&) {
    return std::nullopt;
  }
}

/// The first '=' of `set` that is not in quotes.
std::size_t find_equals(const std::string& set) {
  char quote = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (quote == 0 && set[i] == '=') return i;
    if (quote == '"' && set[i] == '\\') ++i;
    if (set[i] == quote) {
      quote = 0;
    } else if (quote == 0 && (set[i] == '"' || set[i] == '\'')) {
      quote = set[i];
    }
  }
  return set.find('=');
}

/// Whether `inner` names a key in the table `outer`.
bool is_inside(const std::string& inner, const std::string& outer) {
  return inner.size() > outer.size() && inner.starts_with(outer) && inner[outer.size()] == '.';
}

// A value that is not TOML is a string, unless it begins as a TOML string, array or table does.
std::vector<TomlEntry> parse_set_value(const std::string& text) {
  try {
    return parse_toml("value = " + text);
  } catch (const TomlError&) {
    const bool bare = text.find_first_of("\"'[{") != 0;
    if (!bare || valid_utf8_bytes(text) != text.size()) throw;
    return {{"value", {1, 1}, {text, {1, 9}}}};
  }
}

/// An entry that is no key must be one of the tables.
void check_table(const TomlEntry& entry, const std::string& place) {
  const bool table = is_table(entry.value);
  if (const auto now = renamed_key(entry.path); !now.empty()) {
    fail_key(place, entry.path, "its name is " + std::string(now));
  }
  if (!is_known_table(entry.path)) {
    fail_key(place, entry.path, (table ? "unknown table" : "unknown key") + suggestion(entry.path));
  }
  if (!table) fail_key(place, entry.path, "expected a table");
}

}  // namespace

void ConfigReader::add_file(std::string_view text, const fs::path& name) {
  file_ = printable(name.string(), 4096);
  const auto place = [this](TomlPosition position) {
    return file_ + ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
  };
  try {
    const fs::path folder = fs::absolute(name).parent_path();
    for (const TomlEntry& entry : parse_toml(text)) {
      const bool is_known = find_config_key(entry.path) != nullptr || find_options_key(entry.path) != nullptr;
      const bool about_value = is_known && !is_table(entry.value);
      add(entry, {.place = place(about_value ? entry.value.position : entry.position)}, folder);
    }
  } catch (const TomlError& error) {
    fail_at(place(error.position()), std::string("not valid TOML: ") + error.what());
  }
  rule_of_file_ = config_.optimizer.name;
}

void ConfigReader::add_set(const std::string& set) {
  const std::string place = "--set '" + printable(set.substr(0, valid_utf8_bytes(set))) + "'";
  const std::size_t equals = find_equals(set);
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError(ExitStatus::usage, place + ": expected KEY=VALUE, as in --set trainer.batch_size=64");
  }
  if (std::ranges::any_of(set, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    fail_at(place, "control characters are not allowed");
  }
  try {
    const std::string given = trimmed(set.substr(0, equals)), key = as_key(given).value_or(given);
    for (TomlEntry& entry : parse_set_value(trimmed(set.substr(equals + 1)))) {
      entry.path.replace(0, std::strlen("value"), key);
      add(entry, {.place = place, .by_set = true}, fs::current_path());
    }
  } catch (const TomlError& error) {
    fail_at(place, std::string("not valid TOML: ") + error.what());
  }
}

void ConfigReader::add(const TomlEntry& entry, const GivenKey& given, const fs::path& input_dir) {
  const std::string& place = given.place;
  const ConfigKey* key = find_config_key(entry.path);
  if (key == nullptr) {
    if (const ConfigKey* table = find_options_key(entry.path)) return add_option(*table, entry, given);
    return check_table(entry, place);
  }
  try {
    read_value(key->type, entry.value, config_);
  } catch (const ValueError& error) {
    fail_key(place, key->path, error.what());
  }
  resolve(*key, place, input_dir);
  given_[key->path] = given;
}

void ConfigReader::add_option(const ConfigKey& table, const TomlEntry& entry, const GivenKey& given) {
  if (is_table(entry.value)) return;  // its keys are entries of their own
  OptionTable& options = std::get<OptionsKey>(table.type).field(config_);
  Option option = {
      .name = entry.path.substr(table.path.size() + 1), .value = entry.value, .text = {}, .place = given.place};
  try {
    option.text = print_value(entry.value);
    if (as_key(option.name) != option.name)
      throw ValueError("expected a name of letters, digits, _ and -, or one in quotes");
  } catch (const ValueError& error) {
    fail_key(given.place, entry.path, error.what());
  }
  // A value takes the place of a table, and a table that of a value.
  std::erase_if(options, [&](const Option& other) {
    return is_inside(other.name, option.name) || is_inside(option.name, other.name);
  });
  const auto earlier = std::ranges::find(options, option.name, &Option::name);
  if (earlier != options.end()) {
    *earlier = std::move(option);
  } else {
    options.push_back(std::move(option));
  }
}

/// Throws for the name of a model, data set or objective that the program does not have.
void ConfigReader::check_names(const ConfigOptions& options) const {
  for (const auto& [path, names] : options.known_names) {
    const auto name = std::get<TextKey>(find_config_key(path)->type).field(const_cast<Config&>(config_));  // only reads
    if (std::ranges::find(names, name) != names.end()) continue;
    const auto nearest = nearest_word(name, std::vector<std::string_view>(names.begin(), names.end()));
    const auto in_quotes = [](const std::string& one) { return quoted(one); };
    fail_key(given_.at(path).place, path,
             "expected one of " + joined(names, ", ", in_quotes) + ", found \"" + printable(name) + '"' +
                 (nearest.empty() ? "" : ", did you mean \"" + std::string(nearest) + "\"?"));
  }
}

void ConfigReader::resolve(const ConfigKey& key, const std::string& place, const fs::path& input_dir) {
  const auto* file = std::get_if<FileKey>(&key.type);
  if (file == nullptr) return;
  std::string& name = file->field(config_);
  if (name.empty() || name == file->word) return;
  const fs::path& base = file->input ? input_dir : fs::current_path();
  name = without_dots(base / name).string();
  if (valid_utf8_bytes(name) != name.size()) fail_key(place, key.path, "the folder's name is not valid UTF-8");
}

Config ConfigReader::finish(const ConfigOptions& options) {
  if (options.ranks > 0) deal_ranks(options.ranks);
  const std::vector<std::string_view> dropped = drop_keys_of_other_rule();
  apply_rule_defaults();
  check_names(options);
  check_config(config_, given_);
  if (!dropped.empty() && options.on_notice) options.on_notice(notice_of(dropped));
  if (config_.data.path.empty() && config_.data.name == DataConfig().name && !options.default_data_dir.empty()) {
    config_.data.path = without_dots(fs::absolute(options.default_data_dir)).string();
  }
  return config_;
}

void ConfigReader::deal_ranks(int ranks) {
  config_.trainer.count = ranks - config_.generator.count;
  if (config_.trainer.count >= 1) return;
  throw ConfigError(ExitStatus::usage, "mpirun started " + std::to_string(ranks) + " ranks, and generator.count is " +
                                           std::to_string(config_.generator.count) +
                                           ": no rank is left to train; start more ranks, or lower "
                                           "generator.count");
}

/// A file's values for its own rule, above all the learning rate, do not suit the rule that --set chooses. Returns the
/// paths of the dropped keys.
std::vector<std::string_view> ConfigReader::drop_keys_of_other_rule() {
  std::vector<std::string_view> dropped;
  if (config_.optimizer.name == rule_of_file_) return dropped;
  for (const std::string_view path : rule_keys()) {
    const auto given = given_.find(path);
    if (given == given_.end() || given->second.by_set) continue;
    reset_value(find_config_key(path)->type, config_);
    given_.erase(given);
    dropped.push_back(path);
  }
  return dropped;
}

std::string ConfigReader::notice_of(const std::vector<std::string_view>& dropped) const {
  std::vector<std::string> defaults;
  for (const std::string_view path : rule_keys()) {
    const ConfigKey& key = *find_config_key(path);
    if (given_.contains(path) || !has_effect(key, config_)) continue;
    defaults.push_back(std::string(path) + " = " + print_value(key.type, config_));
  }
  return given_.at("optimizer.name").place + ": " + file_ + " is written for " + std::string(word_of(rule_of_file_)) +
         ", so its " + joined(dropped, ", ") + (dropped.size() == 1 ? " is" : " are") +
         " ignored; defaults in force: " + (defaults.empty() ? "none" : joined(defaults, ", "));
}

void ConfigReader::apply_rule_defaults() {
  OptimizerConfig& optimizer = config_.optimizer;
  const auto defaults = std::ranges::find(rule_defaults(), optimizer.name, &RuleDefaults::rule);
  if (!given_.contains("optimizer.lr")) optimizer.lr = defaults->lr;
  if (!given_.contains("optimizer.eps")) optimizer.eps = defaults->eps;
  if (!given_.contains("optimizer.weight_decay")) optimizer.weight_decay = defaults->weight_decay;
}

}  // namespace runnel
