// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/run/sample_check.h"

#include <c10/core/InferenceMode.h>

#include <array>
#include <cstdint>

#include "trainer/compute/pass_error.h"
#include "trainer/dataset/batch_builder.h"

namespace runnel {

void require_computable(TrainedModel& model, const Dataset& dataset, const Config& config) {
  const c10::InferenceMode no_autograd;
  BatchBuilder builder(dataset, /*largest_batch=*/1, model.device());
  const std::array<std::uint32_t, 1> first = {0};
  const Batch batch = builder.build({.samples = first});
  model.model().set_training(false);
  Score score;
  const auto pass = [&] { model.objective().add_to(score, model.model().forward(batch), batch); };
  make_pass(pass, ExitStatus::bad_configuration, pass_name(config), "the first sample");
}

}  // namespace runnel
