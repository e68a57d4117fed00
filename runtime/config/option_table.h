// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "runtime/config/toml_document.h"

namespace runnel {

/// A key of a free table such as [model.options], which only the model, data set or objective that reads it knows.
struct Option {
  std::string name;  ///< of a key in a table of the table: "normalize.image.mean"
  TomlValue value;   ///< neither a table nor a date
  std::string text;  ///< the value in a syntax that TOML and JSON share
  std::string place;

  bool operator==(const Option& other) const { return name == other.name && text == other.text; }
};

using OptionTable = std::vector<Option>;

}  // namespace runnel
