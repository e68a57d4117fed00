// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/config/config_checks.h"
#include "runtime/config/config_schema.h"
#include "runtime/config/toml_document.h"

namespace runnel {

/// A configuration while its file and its --set options are read. Every method throws `ConfigError`.
class ConfigReader {
 public:
  /// `name` stands for the file in messages and for relative paths.
  void add_file(std::string_view text, const std::filesystem::path& name);

  /// `key=value`, after the file.
  void add_set(const std::string& set);

  /// The configuration, with defaults for all that was not given. The last call.
  Config finish(const ConfigOptions& options);

 private:
  void add(const TomlEntry& entry, const GivenKey& given, const std::filesystem::path& input_dir);
  void add_option(const ConfigKey& table, const TomlEntry& entry, const GivenKey& given);
  void check_names(const ConfigOptions& options) const;
  void resolve(const ConfigKey& key, const std::string& place, const std::filesystem::path& input_dir);
  void deal_ranks(int ranks);
  std::vector<std::string_view> drop_keys_of_other_rule();
  void apply_rule_defaults();
  std::string notice_of(const std::vector<std::string_view>& dropped) const;

  Config config_;
  GivenKeys given_;
  std::string file_;                                // as it is named in messages
  RuleKind rule_of_file_ = OptimizerConfig().name;  // that its keys are written for
};

}  // namespace runnel
