// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "runtime/config/config.h"

namespace runnel {

/// Where a key was given last.
struct GivenKey {
  std::string place;
  bool by_set = false;  ///< by --set, not by the file
};

/// Every key that was given, by its path.
using GivenKeys = std::map<std::string_view, GivenKey>;

/// Throws a `ConfigError` (78) about `place`, or about `key` at `place`.
[[noreturn]] void fail_at(const std::string& place, const std::string& message);
[[noreturn]] void fail_key(const std::string& place, std::string_view key, const std::string& message);

/// Checks what depends on several keys: keys without an effect, and keys that contradict each other. Throws
/// `ConfigError`.
void check_config(const Config& config, const GivenKeys& given);

}  // namespace runnel
