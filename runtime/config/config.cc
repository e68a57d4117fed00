// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>

#include "runtime/base/joined.h"
#include "runtime/base/nearest_word.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config_schema.h"
#include "runtime/config/config_value.h"
#include "runtime/config/toml_document.h"
#include "transport/path.h"

namespace runnel {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& place, const std::string& message) {
  throw ConfigError(ExitStatus::bad_configuration, place + ": " + message);
}

[[noreturn]] void fail_key(const std::string& place, std::string_view key, const std::string& message) {
  fail(place, "key '" + printable(key, 80) + "': " + message);
}

bool is_table(const TomlValue& value) {
  return std::holds_alternative<TomlTable>(value.data);
}

bool is_known_table(std::string_view path) {
  return std::ranges::any_of(config_keys(), [path](const ConfigKey& key) {
    return key.path.size() > path.size() && key.path.starts_with(path) && key.path[path.size()] == '.';
  });
}

// Where a path's last name begins.
std::size_t name_offset(std::string_view path) {
  return path.rfind('.') + 1;
}

// The paths of all keys and tables.
std::vector<std::string_view> known_paths() {
  std::vector<std::string_view> paths;
  for (const ConfigKey& key : config_keys()) {
    for (std::size_t dot = 0; (dot = key.path.find('.', dot + 1)) != std::string_view::npos;) {
      paths.push_back(key.path.substr(0, dot));
    }
    paths.push_back(key.path);
  }
  return paths;
}

// What the user may have meant: a similar name in the same table, or else one anywhere.
std::string suggestion(std::string_view path) {
  const std::string_view table = path.substr(0, name_offset(path));
  const std::string_view name = path.substr(name_offset(path));
  const std::vector<std::string_view> known = known_paths();
  std::vector<std::string_view> names;
  std::vector<std::string_view> neighbours;
  for (const std::string_view other : known) {
    names.push_back(other.substr(name_offset(other)));
    if (other.substr(0, name_offset(other)) == table) neighbours.push_back(names.back());
  }
  std::string_view nearest = nearest_word(name, neighbours);
  if (!nearest.empty()) return ", did you mean '" + std::string(table) + std::string(nearest) + "'?";
  nearest = nearest_word(name, names);
  if (nearest.empty()) return "";
  return ", did you mean '" + std::string(known[std::ranges::find(names, nearest) - names.begin()]) + "'?";
}

class ConfigReader {
 public:
  void add_file(std::string_view text, const fs::path& name);
  void add_set(const std::string& set);
  Config finish(const ConfigOptions& options);

 private:
  void add(const TomlEntry& entry, const std::string& place, const fs::path& input_dir);
  void resolve(const ConfigKey& key, const std::string& place, const fs::path& input_dir);
  void deal_ranks(int ranks);
  void apply_rule_defaults();
  void check_effects() const;
  void check_agreement() const;

  bool given(std::string_view key) const { return places_.contains(key); }

  Config config_;
  std::map<std::string_view, std::string> places_;  // where each key was given last
};

void ConfigReader::add_file(std::string_view text, const fs::path& name) {
  const auto place = [&name](TomlPosition position) {
    return printable(name.string(), 4096) + ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
  };
  try {
    const fs::path folder = fs::absolute(name).parent_path();
    for (const TomlEntry& entry : parse_toml(text)) {
      const bool about_value = find_config_key(entry.path) != nullptr && !is_table(entry.value);
      add(entry, place(about_value ? entry.value.position : entry.position), folder);
    }
  } catch (const TomlError& error) {
    fail(place(error.position()), std::string("not valid TOML: ") + error.what());
  }
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
  return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// A value that is no TOML is a string, unless it begins as a TOML string, array or table does.
std::vector<TomlEntry> parse_set_value(const std::string& text) {
  try {
    return parse_toml("value = " + text);
  } catch (const TomlError&) {
    const bool bare = text.find_first_of("\"'[{") != 0;
    if (!bare || valid_utf8_bytes(text) != text.size()) throw;
    return {{"value", {1, 1}, {text, {1, 9}}}};
  }
}

void ConfigReader::add_set(const std::string& set) {
  const std::string place = "--set '" + printable(set.substr(0, valid_utf8_bytes(set))) + "'";
  const std::size_t equals = set.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError(ExitStatus::usage, place + ": expected KEY=VALUE, as in --set trainer.batch_size=64");
  }
  if (std::ranges::any_of(set, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; })) {
    fail(place, "control characters are not allowed");
  }
  try {
    for (TomlEntry& entry : parse_set_value(trimmed(set.substr(equals + 1)))) {
      entry.path.replace(0, std::strlen("value"), trimmed(set.substr(0, equals)));
      add(entry, place, fs::current_path());
    }
  } catch (const TomlError& error) {
    fail(place, std::string("not valid TOML: ") + error.what());
  }
}

void ConfigReader::add(const TomlEntry& entry, const std::string& place, const fs::path& input_dir) {
  const ConfigKey* key = find_config_key(entry.path);
  if (key == nullptr) {
    const bool table = is_table(entry.value);
    if (!is_known_table(entry.path)) {
      fail_key(place, entry.path, (table ? "unknown table" : "unknown key") + suggestion(entry.path));
    }
    if (!table) fail_key(place, entry.path, "expected a table");
    return;
  }
  try {
    read_value(key->type, entry.value, config_);
  } catch (const ValueError& error) {
    fail_key(place, key->path, error.what());
  }
  resolve(*key, place, input_dir);
  places_[key->path] = place;
}

void ConfigReader::resolve(const ConfigKey& key, const std::string& place, const fs::path& input_dir) {
  const auto* file = std::get_if<FileKey>(&key.type);
  if (file == nullptr || file->field(config_).empty()) return;
  const fs::path& base = file->input ? input_dir : fs::current_path();
  std::string& name = file->field(config_);
  name = (base / name).lexically_normal().string();
  if (valid_utf8_bytes(name) != name.size()) fail_key(place, key.path, "the folder's name is not valid UTF-8");
}

Config ConfigReader::finish(const ConfigOptions& options) {
  if (options.ranks > 0) deal_ranks(options.ranks);
  apply_rule_defaults();
  check_effects();
  check_agreement();
  if (config_.data.path.empty() && !options.default_data_dir.empty()) {
    config_.data.path = fs::absolute(options.default_data_dir).lexically_normal().string();
  }
  return config_;
}

void ConfigReader::deal_ranks(int ranks) {
  config_.trainer.count = ranks - config_.generator.count;
  if (config_.trainer.count >= 1) return;
  throw ConfigError(ExitStatus::usage, "mpirun started " + std::to_string(ranks) + " ranks, and generator.count is " +
                                           std::to_string(config_.generator.count) +
                                           ": no rank is left to train; start more ranks or have fewer generators");
}

void ConfigReader::apply_rule_defaults() {
  OptimizerConfig& optimizer = config_.optimizer;
  const auto defaults = std::ranges::find(rule_defaults(), optimizer.name, &RuleDefaults::rule);
  if (!given("optimizer.lr")) optimizer.lr = defaults->lr;
  if (!given("optimizer.eps")) optimizer.eps = defaults->eps;
  if (!given("optimizer.weight_decay")) optimizer.weight_decay = defaults->weight_decay;
}

// A key without effect may stand in a file at its default value, so that one file serves several rules by --set.
void ConfigReader::check_effects() const {
  for (const ConfigKey& key : config_keys()) {
    if (!given(key.path) || has_effect(key, config_)) continue;
    if (print_value(key.type, config_) == print_value(key.type, Config{})) continue;
    fail_key(places_.at(key.path), key.path,
             "has no effect: it needs " + std::string(key.only_with.key) + " = " +
                 joined(key.only_with.values, " or ") + "; remove it");
  }
}

void ConfigReader::check_agreement() const {
  const ScheduleConfig& schedule = config_.optimizer.schedule;
  if (schedule.name == "warmup" && schedule.warmup_steps == 0) {
    fail_key(places_.at("optimizer.schedule.name"), "optimizer.schedule.warmup_steps",
             "expected at least 1 with schedule \"warmup\", found 0");
  }
  const TrainerConfig& trainer = config_.trainer;
  const auto virtuals = static_cast<std::uint64_t>(trainer.virtual_count);
  if (virtuals != 0 && (!std::has_single_bit(virtuals) || virtuals % static_cast<std::uint64_t>(trainer.count) != 0)) {
    fail_key(places_.at("trainer.virtual"), "trainer.virtual",
             "expected 0 or a power of two that trainer.count (" + std::to_string(trainer.count) + ") divides, found " +
                 std::to_string(trainer.virtual_count));
  }
  const std::size_t devices = trainer.device.size();
  if (devices != 1 && devices != static_cast<std::size_t>(trainer.count)) {
    fail_key(places_.at("trainer.device"), "trainer.device",
             "expected one device or as many as trainers (" + std::to_string(trainer.count) + "), found " +
                 std::to_string(devices));
  }
  if (config_.generator.count > 1 && config_.optimizer.clip_norm > 0) {
    fail_key(places_.at("optimizer.clip_norm"), "optimizer.clip_norm",
             "needs the norm of all parameters together, and generator.count is " +
                 std::to_string(config_.generator.count) + "; have one generator, or do not clip");
  }
  const TransportConfig& transport = config_.transport;
  const auto forced = path_from_string(transport.path);
  const auto required = transport.require == "rdma" ? Path::one_sided : path_from_string(transport.require);
  if (forced && required && *forced < *required) {
    fail_key(places_.at("transport.require"), "transport.require",
             "cannot be reached: transport.path is \"" + transport.path + '"');
  }
}

std::string read_text(const fs::path& file) {
  const auto fail_reading = [&file](const std::string& reason) {
    throw ConfigError(ExitStatus::input_missing, printable(file.string(), 4096) +
                                                     ": the configuration cannot be read: " + reason +
                                                     "; name a TOML file, as trainer/configs/mnist.toml");
  };
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) fail_reading(error ? error.message() : std::strerror(ENOENT));
  if (!fs::is_regular_file(status)) fail_reading("not a regular file");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) fail_reading(std::strerror(errno));
  // One byte more than the parser takes: enough for it to see that there is too much.
  std::string text(kMaxTomlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace

Config load_config(const fs::path& file, const ConfigOptions& options) {
  return parse_config(file.empty() ? "" : read_text(file), file, options);
}

Config parse_config(std::string_view text, const fs::path& name, const ConfigOptions& options) {
  ConfigReader reader;
  if (!text.empty()) reader.add_file(text, name);
  for (const std::string& set : options.sets) reader.add_set(set);
  return reader.finish(options);
}

}  // namespace runnel
