// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/config/options.h"
#include "trainer/arrays/array.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

enum class FieldRole { input, target };

/// How the rows of an array become a field of the samples. README.md has the rules.
struct FieldRule {
  std::string name;
  std::vector<std::int64_t> shape;   ///< of a row, with as many elements as it has in the array
  at::ScalarType type = at::kFloat;  ///< float32 or int64
  bool divided_by_255 = false;       ///< before `offset`
  std::vector<double> offset = {};   ///< is subtracted: one for all, or one a channel, the first dimension of `shape`
  std::vector<double> divisor = {};  ///< as many
  std::int64_t classes = 0;          ///< in a one-hot code; 0: none
  std::int64_t padding = 0;          ///< of rows that are cropped at random; 0: none are
  bool flip = false;                 ///< half of the rows, at random

  Dataset::Field field() const;
};

/// The rule of the array `array`, only its type and shape, for the field `name`. Crops and flips are for
/// `Split::train`. Throws `ConfigError` (78) for options that do not suit the array.
FieldRule read_field_rule(const Options& options, const Array& array, const std::string& name, FieldRole role,
                          Split split);

}  // namespace runnel
