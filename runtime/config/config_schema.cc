// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config_schema.h"

#include <algorithm>

namespace runnel {
namespace {

// PyTorch's, but for Adadelta's learning rate, which is that of the reference workflow (PyTorch: 1.0).
constexpr RuleDefaults kRuleDefaults[] = {{RuleKind::adadelta, 0.1, 1e-6, 0.0},
                                          {RuleKind::sgd, 1e-3, 1e-6, 0.0},
                                          {RuleKind::adam, 1e-3, 1e-8, 0.0},
                                          {RuleKind::adamw, 1e-3, 1e-8, 1e-2}};

constexpr std::string_view kRuleKeys[] = {"optimizer.lr",       "optimizer.rho",   "optimizer.eps",
                                          "optimizer.momentum", "optimizer.betas", "optimizer.weight_decay"};

struct RenamedKey {
  std::string_view path;
  std::string_view now;
};

constexpr RenamedKey kRenamedKeys[] = {{"model.dropout", "model.options.dropout"},
                                       {"data.normalize", "data.options.normalize"},
                                       {"trainer.virtual", "trainer.seats"}};

}  // namespace

const ConfigKey* find_config_key(std::string_view path) {
  const auto keys = config_keys();
  const auto key = std::ranges::find_if(keys, [&](const auto& k) { return k.path == path; });
  return key == keys.end() ? nullptr : &*key;
}

const ConfigKey* find_options_key(std::string_view path) {
  const auto keys = config_keys();
  const auto key = std::ranges::find_if(keys, [&](const auto& k) {
    return std::holds_alternative<OptionsKey>(k.type) && path.size() > k.path.size() + 1 && path.starts_with(k.path) &&
           path[k.path.size()] == '.';
  });
  return key == keys.end() ? nullptr : &*key;
}

std::string_view renamed_key(std::string_view path) {
  const auto* key = std::ranges::find(kRenamedKeys, path, &RenamedKey::path);
  return key == std::end(kRenamedKeys) ? "" : key->now;
}

bool has_effect(const ConfigKey& key, const Config& config) {
  if (key.only_with.key.empty()) return true;
  const auto& other = std::get<ChoiceKey>(find_config_key(key.only_with.key)->type);
  return std::ranges::find(key.only_with.values, other.words[other.get(config)]) != key.only_with.values.end();
}

std::span<const RuleDefaults> rule_defaults() {
  return kRuleDefaults;
}

std::span<const std::string_view> rule_keys() {
  return kRuleKeys;
}

bool is_rule_key(std::string_view path) {
  return std::ranges::find(kRuleKeys, path) != std::end(kRuleKeys);
}

}  // namespace runnel
