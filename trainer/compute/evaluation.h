// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

#include "runtime/config/config.h"
#include "trainer/compute/score.h"
#include "trainer/dataset/idx_dataset.h"
#include "trainer/model/model.h"

namespace runnel {

/// The score of the model, with its present parameters and without dropout, on all samples of `dataset`.
///
/// Calls `keep_going` before each forward pass, of `config.trainer.test_batch_size` images; when that returns
/// false, returns the score of the images so far. On the CPU the size of the passes does not change the score.
Score evaluate(Model& model, const IdxDataset& dataset, const Config& config, const std::function<bool()>& keep_going);

}  // namespace runnel
