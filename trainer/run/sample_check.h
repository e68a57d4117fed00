// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Makes a training pass with the data set's first samples, two where a batch has as many: forward, loss and backward;
/// then as `check_test_pass`. So a mistake that only a training pass shows is found before a job starts.
/// Afterwards buffers, gradients and LibTorch's random numbers are as before.
///
/// Throws `RunError`: 65 with LibTorch's reason, and what model, data set and objective throw themselves;
/// `c10::OutOfMemoryError`. The model's tensors are undefined then.
void check_training_pass(TrainedModel& model, const Dataset& dataset, const Config& config);

/// Computes output, loss and metrics of the data set's first sample, without training. Throws as above.
void check_test_pass(TrainedModel& model, const Dataset& dataset, const Config& config);

}  // namespace runnel
