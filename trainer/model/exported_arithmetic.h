// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace runnel {

/// A function of Python on sizes, which an exported program calls where a shape depends on the batch. It takes numbers
/// and truth values, and returns one. Throws `c10::Error` for a division by zero, an overflow, or arguments of other
/// kinds.
using SizeFunction = c10::IValue (*)(const std::vector<c10::IValue>& arguments);

/// The function that `target` names ("_operator.floordiv", "math.ceil", "torch.sym_max"); null where it is none.
SizeFunction size_function(const std::string& target);

/// All of them, separated by commas, for messages.
std::string size_function_names();

}  // namespace runnel
