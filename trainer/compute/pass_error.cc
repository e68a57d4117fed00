// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/compute/pass_error.h"

#include "runtime/base/run_error.h"
#include "trainer/torch/torch_error.h"

namespace runnel {

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
    throw RunError(ExitStatus::bad_data, name + " cannot compute " + what + ": " + line_of(error));
  }
}

}  // namespace runnel
