// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <stdexcept>
#include <string>

#include "runtime/config/config_schema.h"
#include "runtime/config/toml_document.h"

namespace runnel {

/// A value that its key does not accept; the text gives what was expected and what was found.
class ValueError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Stores `value` in the key's member of `config`. Throws `ValueError`.
void read_value(const KeyType& type, const TomlValue& value, Config& config);

/// Gives the key its default.
void reset_value(const KeyType& type, Config& config);

/// The key's value in a syntax that TOML and JSON share; reading it gives the same value.
std::string print_value(const KeyType& type, const Config& config);

/// A value of a free table in the same syntax. Throws `ValueError` for a table, a date or a time.
std::string print_value(const TomlValue& value);

/// A number as print_value() prints it.
std::string print_number(std::int64_t number);
std::string print_number(double number);

/// What the key accepts: "an integer from 1 to 1024".
std::string describe(const KeyType& type);

}  // namespace runnel
