// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

#include "runtime/config/config.h"

namespace runnel {

/// "model 'mlp' with objective 'nll' and data set 'npz'", for messages.
std::string pass_name(const Config& config);

/// Calls `pass`. What LibTorch finds wrong with it, such as a target that is no class of the model, becomes a
/// `RunError` (bad_data): `name`, "cannot compute", `what`, and the reason. Errors of a device and of its memory stay
/// what they are. The calling thread.
void make_pass(const std::function<void()>& pass, const std::string& name, const std::string& what);

}  // namespace runnel
