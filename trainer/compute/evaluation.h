// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "runtime/config/config.h"
#include "runtime/plan/sample_range.h"
#include "runtime/protocol/score.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// The score of the model, with its present parameters and without dropout, on the samples `share` of `dataset`.
///
/// Calls `keep_going` before each forward pass, of `config.trainer.test_batch_size` samples; when that returns
/// false, returns the score of the samples so far. Passes of another size may change its last digits.
Score evaluate(TrainedModel& model, const Dataset& dataset, const SampleRange& share, const Config& config,
               const std::function<bool()>& keep_going);

}  // namespace runnel
