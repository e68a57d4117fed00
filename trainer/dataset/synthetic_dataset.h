// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/dataset/dataset.h"

namespace runnel {

/// Samples that are computed when they are read, and that a model can learn: to measure, and to try a model.
///
/// A sample follows from the option `seed`, the split and its index, with the same bits on every machine. Both splits
/// follow one rule, which `seed` draws. README.md has the options and, by the option `kind`, the rules; the fields are
/// - "classes": "image" float32 [shape…] and "label" int64 [];
/// - "tokens": "tokens" and "next", both int64 [context];
/// - "regression": "input" float32 [shape…] and "target" float32 [outputs].
///
/// Throws `ConfigError` (78) for a wrong option.
std::unique_ptr<Dataset> make_synthetic(const Options& options, Split split);

}  // namespace runnel
