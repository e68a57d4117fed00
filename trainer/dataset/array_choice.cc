// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/dataset/array_choice.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "runtime/base/joined.h"
#include "runtime/base/run_error.h"
#include "runtime/base/utf8.h"

namespace runnel {
namespace {

using Names = std::vector<std::string>;

constexpr std::array<std::string_view, 8> kInputs = {"x",     "X",      "image", "images",
                                                     "input", "inputs", "data",  "features"};
constexpr std::array<std::string_view, 6> kTargets = {"y", "Y", "label", "labels", "target", "targets"};

Names without(const Names& names, const Names& taken) {
  Names rest;
  std::ranges::copy_if(names, std::back_inserter(rest),
                       [&](const std::string& name) { return std::ranges::find(taken, name) == taken.end(); });
  return rest;
}

/// The only one of `names` that is `usual`, or else the only one; empty where neither is.
std::string only_one(const Names& names, std::span<const std::string_view> usual, bool any) {
  Names found;
  std::ranges::copy_if(names, std::back_inserter(found),
                       [&](const std::string& name) { return std::ranges::find(usual, name) != usual.end(); });
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

ArrayChoice choose_arrays(const Options& options, const ChoiceRule& rule) {
  const bool has_inputs = options.has("inputs"), has_target = options.has("target");
  ArrayChoice choice{options.texts("inputs", {}), options.text("target", "")};
  if (has_inputs && choice.inputs.empty()) options.fail("inputs", "at least one name");
  if (has_inputs && has_target) return choice;
  const Names names = rule.names();
  if (!has_target) {
    choice.target = only_one(without(names, choice.inputs), kTargets, /*any=*/has_inputs);
    if (choice.target.empty()) refuse("target", "\"y\", or \"\" for none,", rule, names);
  }
  if (has_inputs) return choice;
  choice.inputs = without(names, {choice.target});
  if (!rule.rest_is_input) choice.inputs = {only_one(choice.inputs, kInputs, /*any=*/true)};
  if (choice.inputs.empty() || choice.inputs.front().empty()) refuse("inputs", "[\"x\"]", rule, names);
  return choice;
}

}  // namespace runnel
