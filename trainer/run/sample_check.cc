// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/sample_check.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <array>
#include <cstdint>
#include <string>

#include "runtime/base/run_error.h"
#include "trainer/dataset/batch_builder.h"

namespace runnel {

void require_computable(TrainedModel& model, const Dataset& dataset, const Config& config) {
  const c10::InferenceMode no_autograd;
  BatchBuilder builder(dataset, /*largest_batch=*/1, model.device());
  const std::array<std::uint32_t, 1> first = {0};
  const Batch batch = builder.build({.samples = first});
  model.model().set_training(false);
  try {
    Score score;
    model.objective().add_to(score, model.model().forward(batch), batch);
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    throw RunError(ExitStatus::bad_configuration, "model '" + config.model.name + "' with objective '" +
                                                      config.objective.name +
                                                      "' cannot compute a sample of data set '" + config.data.name +
                                                      "': " + text.substr(0, text.find('\n')));
  }
}

}  // namespace runnel
