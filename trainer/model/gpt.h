// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/model/model.h"

namespace runnel {

/// A decoder-only transformer: tokens int64 [n, length] to scores of the next token, float32 [n, length, vocabulary].
///
/// As GPT-2 (Radford et al., "Language models are unsupervised multitask learners", 2019), with the exact GELU, and
/// with the names and starting values of nanoGPT: learned positions, norms before the layers, and one weight for the
/// embedding and the scores. Options: `layers`, `heads`, `width` (a multiple of the heads), `context` (the largest
/// length), `vocabulary`, `dropout`. Its passes throw `RunError` (78) for longer samples.
std::unique_ptr<Model> make_gpt(const Options& options);

}  // namespace runnel
