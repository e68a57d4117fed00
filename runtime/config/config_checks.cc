// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/config/config_checks.h"

#include <algorithm>

#include "runtime/base/joined.h"
#include "runtime/base/utf8.h"
#include "runtime/config/config_schema.h"
#include "runtime/config/config_value.h"

namespace runnel {
namespace {

// A file may have a key without effect at its default value, so that one file serves several choices by --set. A key of
// an optimizer that --set itself gives is a mistake.
void check_effects(const Config& config, const GivenKeys& given) {
  for (const ConfigKey& key : config_keys()) {
    const auto found = given.find(key.path);
    if (found == given.end() || has_effect(key, config)) continue;
    const bool at_default = print_value(key.type, config) == print_value(key.type, Config{});
    if (at_default && !(found->second.by_set && is_rule_key(key.path))) continue;
    fail_key(found->second.place, key.path,
             "has no effect: it needs " + std::string(key.only_with.key) + " = " +
                 joined(key.only_with.values, " or ") + "; remove it");
  }
}

void check_schedule(const Config& config, const GivenKeys& given) {
  const ScheduleConfig& schedule = config.optimizer.schedule;
  if (schedule.name == ScheduleKind::warmup && schedule.warmup_steps == 0) {
    fail_key(given.at("optimizer.schedule.name").place, "optimizer.schedule.warmup_steps",
             "expected at least 1 with schedule \"warmup\", found 0");
  }
}

void check_trainers(const Config& config, const GivenKeys& given) {
  const TrainerConfig& trainer = config.trainer;
  if (trainer.seats != 0 && trainer.seats < trainer.count) {
    fail_key(given.at("trainer.seats").place, "trainer.seats",
             "expected 0 or at least the number of trainers, " + std::to_string(trainer.count) + ", found " +
                 std::to_string(trainer.seats) + "; start fewer trainers");
  }
  const std::size_t devices = trainer.device.size();
  if (devices != 1 && devices != static_cast<std::size_t>(trainer.count)) {
    fail_key(given.at("trainer.device").place, "trainer.device",
             "expected one device or as many as trainers (" + std::to_string(trainer.count) + "), found " +
                 std::to_string(devices));
  }
}

void check_generators(const Config& config, const GivenKeys& given) {
  if (config.generator.count > 1 && config.optimizer.clip_norm > 0) {
    fail_key(given.at("optimizer.clip_norm").place, "optimizer.clip_norm",
             "needs the norm of the whole gradient, which one generator computes, and generator.count is " +
                 std::to_string(config.generator.count) + "; use one generator, or set it to 0");
  }
}

void check_transport(const Config& config, const GivenKeys& given) {
  const TransportConfig& transport = config.transport;
  if (transport.path && *transport.path < least_path(transport.require)) {
    fail_key(given.at("transport.require").place, "transport.require",
             "cannot be reached: transport.path is \"" + std::string(word_of(transport.path)) + '"');
  }
}

void check_checkpoint(const Config& config, const GivenKeys& given) {
  const CheckpointConfig& checkpoint = config.checkpoint;
  if (checkpoint.resume != CheckpointConfig::kNewest || checkpoint.is_on()) return;
  fail_key(given.at("checkpoint.resume").place, "checkpoint.resume",
           "\"newest\" needs checkpoint.directory (--checkpoint DIR), where to look for it; or give the folder of a "
           "checkpoint");
}

}  // namespace

void check_config(const Config& config, const GivenKeys& given) {
  check_effects(config, given);
  check_schedule(config, given);
  check_trainers(config, given);
  check_generators(config, given);
  check_transport(config, given);
  check_checkpoint(config, given);
}

void fail_at(const std::string& place, const std::string& message) {
  throw ConfigError(ExitStatus::bad_configuration, place + ": " + message);
}

void fail_key(const std::string& place, std::string_view key, const std::string& message) {
  fail_at(place, "key '" + printable(key, 80) + "': " + message);
}

}  // namespace runnel
