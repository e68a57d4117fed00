// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/config/config.h"
#include "trainer/compute/trained_model.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Computes the output and the loss of one sample, without training, so that a model, a data set and an objective that
/// do not fit each other are found before a job starts. Throws `RunError`: 78 with LibTorch's reason, and what the
/// three throw themselves; `c10::OutOfMemoryError`.
void require_computable(TrainedModel& model, const Dataset& dataset, const Config& config);

}  // namespace runnel
