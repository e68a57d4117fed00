// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "runtime/config/options.h"
#include "trainer/model/model.h"

namespace runnel {

/// Linear layers of any width, with relu and dropout after each but the last: samples of any shape with `inputs` values
/// to `outputs` scores, float32 [n, outputs].
///
/// Options: `inputs`, `hidden` (a width for each hidden layer, none is linear regression), `outputs`, `dropout`.
std::unique_ptr<Model> make_mlp(const Options& options);

}  // namespace runnel
