// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

/// The names that people give to arrays of samples; upper case counts as lower case. Any thread.
namespace runnel {

/// x, image, images, input, inputs, data or features.
bool is_usual_input(std::string_view name);

/// y, label, labels, target, targets, class or classes.
bool is_usual_target(std::string_view name);

}  // namespace runnel
