// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/pass_error.h"

#include <array>
#include <utility>

#include "runtime/base/run_error.h"
#include "trainer/torch/torch_error.h"

namespace runnel {
namespace {

/// What a user can do about what LibTorch reports in terms of its own; empty: nothing that is known.
std::string remedy_for(const std::string& report) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kRemedies = {{
      {"index out of range",
       "; an input holds a number outside of an embedding: compare the ranges that `runnel inspect` "
       "prints with the model's, as model.options.vocabulary"},
      {"is out of bounds",
       "; a target is none of the classes that the model gives: compare the range that `runnel "
       "inspect` prints with the model's outputs"},
      {"same dtype",
       "; an input has another type than the model's parameters: set cast.NAME = \"float32\" in "
       "data.options"},
  }};
  for (const auto& [words, remedy] : kRemedies) {
    if (report.find(words) != report.npos) return remedy;
  }
  return {};
}

}  // namespace

std::string pass_name(const Config& config) {
  return "model '" + config.model.name + "' with objective '" + config.objective.name + "' and data set '" +
         config.data.name + "'";
}

void make_pass(const std::function<void()>& pass, const std::string& name, const std::string& what) {
  try {
    pass();
  } catch (const c10::AcceleratorError&) {
    throw;
  } catch (const c10::Error& error) {
    if (is_out_of_memory(error)) throw;
    const std::string report = line_of(error);
    throw RunError(ExitStatus::bad_data, name + " cannot compute " + what + ": " + report + remedy_for(report));
  }
}

}  // namespace runnel
