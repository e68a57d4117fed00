// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/array_choice.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"
#include "trainer/arrays/usual_names.h"

namespace runnel {
namespace {

using Names = std::vector<std::string>;

Names without(const Names& names, const Names& taken) {
  Names rest;
  std::ranges::copy_if(names, std::back_inserter(rest),
                       [&](const std::string& name) { return std::ranges::find(taken, name) == taken.end(); });
  return rest;
}

/// The only one of `names` that is `usual`, or else the only one; empty where neither is.
std::string only_one(const Names& names, bool (*usual)(std::string_view), bool any) {
  Names found;
  std::ranges::copy_if(names, std::back_inserter(found), usual);
  if (found.size() == 1) return found.front();
  return any && found.empty() && names.size() == 1 ? names.front() : "";
}

[[noreturn]] void refuse(const std::string& option, const std::string& example, const ChoiceRule& rule,
                         const Names& names) {
  constexpr std::size_t kShown = 300;
  throw RunError(ExitStatus::bad_configuration,
                 "key 'data.options." + option + "': no array has a usual name for it, or several do; write " + option +
                     " = " + example + " with names from " + rule.place + ": " +
                     (names.empty() ? "there are none" : printable(joined(names, ", "), kShown)));
}

}  // namespace

std::vector<std::string> ArrayChoice::all() const {
  Names names = inputs;
  if (!target.empty()) names.push_back(target);
  return names;
}

void ArrayChoice::require_distinct(const std::vector<std::string>& field_names, const std::string& place) const {
  const auto repeated = [](Names names) {
    std::ranges::sort(names);
    const auto first = std::ranges::adjacent_find(names);
    return first == names.end() ? std::nullopt : std::optional(*first);
  };
  const auto twice = repeated(all());
  const auto name = twice ? twice : repeated(field_names);
  if (!name) return;
  throw RunError(ExitStatus::bad_configuration,
                 "key 'data.options': in " + place + " \"" + printable(*name, 200) + "\" is chosen twice" +
                     (twice ? "; save the array under another name, too"
                            : ", as all inputs are one field with this name; give the column of the target another "
                              "name"));
}

ArrayChoice choose_arrays(const Options& options, const ChoiceRule& rule) {
  const bool has_inputs = options.has("inputs"), has_target = options.has("target");
  ArrayChoice choice{options.texts("inputs", {}), options.text("target", "")};
  if (has_inputs && choice.inputs.empty()) options.fail("inputs", "at least one name");
  if (has_inputs && has_target) return choice;
  const Names names = rule.names();
  if (!has_target) {
    choice.target = only_one(without(names, choice.inputs), is_usual_target, /*any=*/has_inputs);
    if (choice.target.empty()) refuse("target", "\"y\", or \"\" for none,", rule, names);
  }
  if (has_inputs) return choice;
  choice.inputs = without(names, {choice.target});
  if (!rule.rest_is_input) choice.inputs = {only_one(choice.inputs, is_usual_input, /*any=*/true)};
  if (choice.inputs.empty() || choice.inputs.front().empty()) refuse("inputs", "[\"x\"]", rule, names);
  return choice;
}

}  // namespace runnel
