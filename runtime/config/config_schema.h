// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/config/config.h"

/// The one table of all configuration keys. Reading, `--set`, printing, the digest and the reference table go through
/// it.
namespace runnel {

/// Access to a member of the configuration.
template <typename T>
using Field = T& (*)(Config&);

struct BoolKey {
  Field<bool> field;
};

struct IntegerKey {
  Field<std::int64_t> field;
  std::int64_t min;
  std::int64_t max;
  std::int64_t multiple_of = 1;
};

struct NumberRange {
  double min;
  double max;
  bool below_max = false;  ///< `max` itself is outside
};

struct NumberKey {
  Field<double> field;
  NumberRange range;
};

/// Two numbers: [a, b].
struct PairKey {
  Field<std::array<double, 2>> field;
  NumberRange first;
  NumberRange second;
};

/// One of a few words (choices.h).
struct ChoiceKey {
  std::span<const std::string_view> words;
  std::size_t (*get)(const Config&);  ///< index of the present word
  void (*set)(Config& config, std::size_t word);
  std::string_view for_boolean = "";  ///< what to write instead of true or false, which the key took earlier
};

/// Any text; an empty one only where the key allows it.
struct TextKey {
  Field<std::string> field;
  bool may_be_empty = false;
};

/// The name of a file or folder; empty: the default. Inputs are relative to the configuration file, outputs to the
/// working directory.
struct FileKey {
  Field<std::string> field;
  bool input;
  std::string_view word = "";  ///< a value that is not a name; a file of this name is "./" and the word
};

struct DeviceKey {
  Field<DeviceName> field;
};

/// One device for all trainers or one for each.
struct DevicesKey {
  Field<std::vector<DeviceName>> field;
};

/// A free table: what its keys mean is up to whoever reads them (options.h).
struct OptionsKey {
  Field<OptionTable> field;
};

using KeyType = std::variant<BoolKey, IntegerKey, NumberKey, PairKey, ChoiceKey, TextKey, FileKey, DeviceKey,
                             DevicesKey, OptionsKey>;

/// The key has an effect only while another key, a choice, has one of these values.
struct KeyCondition {
  std::string_view key;  ///< empty: always
  std::span<const std::string_view> values;
};

struct ConfigKey {
  std::string_view path;
  KeyType type;
  std::string_view effect;
  std::string_view unit = "";
  KeyCondition only_with = {};
};

std::span<const ConfigKey> config_keys();

/// nullptr when no key has this path.
const ConfigKey* find_config_key(std::string_view path);

/// The free table that a key of this path belongs to, or nullptr.
const ConfigKey* find_options_key(std::string_view path);

/// What a key of an earlier version is called, or nothing.
std::string_view renamed_key(std::string_view path);

/// Whether the key has an effect in this configuration.
bool has_effect(const ConfigKey& key, const Config& config);

/// Optimizer defaults that differ from rule to rule; those of the first are the initialisers of `OptimizerConfig`.
struct RuleDefaults {
  RuleKind rule;
  double lr;
  double eps;
  double weight_decay;
};

std::span<const RuleDefaults> rule_defaults();

/// The keys whose values suit one optimizer and not another: they have a default for each, or an effect with some only.
std::span<const std::string_view> rule_keys();
bool is_rule_key(std::string_view path);

}  // namespace runnel
