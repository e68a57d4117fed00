// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/config/options.h"

namespace runnel {

/// Which arrays of a file are the inputs and the target.
struct ArrayChoice {
  std::vector<std::string> inputs;
  std::string target;  ///< empty: none

  /// The inputs, then the target.
  std::vector<std::string> all() const;

  /// Throws `RunError` (bad_configuration) where two of `all()` are the same array of `place`, or two of the fields
  /// that are made of them, `field_names`, have one name: options could not tell them apart.
  void require_distinct(const std::vector<std::string>& field_names, const std::string& place) const;
};

/// How a choice is made where the options `inputs` and `target` do not give it.
struct ChoiceRule {
  std::function<std::vector<std::string>()> names;  ///< of all arrays; called when needed
  std::string place;                                ///< the file or folder that has them
  bool rest_is_input = false;                       ///< all but the target are inputs, as the columns of a table
};

/// What the options `inputs` and `target` choose. One that is not given is the only array with a usual name ("x" and
/// "y", "image" and "label", …); inputs that are not given, or a target beside given inputs, may also be the only array
/// left. Throws `RunError` (bad_configuration) with the names where no array or several can be meant. Any thread.
ArrayChoice choose_arrays(const Options& options, const ChoiceRule& rule);

}  // namespace runnel
