// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>

#include <string>
#include <vector>

namespace runnel {

/// A function of Python on sizes, as an exported program has it for shapes that depend on the batch: numbers and truth
/// values in, one out. Throws `c10::Error` for a division by zero, an overflow, or arguments of other kinds.
using SizeFunction = c10::IValue (*)(const std::vector<c10::IValue>& arguments);

/// The function that `target` names ("_operator.floordiv", "math.ceil", "torch.sym_max"); null where it is none.
SizeFunction size_function(const std::string& target);

}  // namespace runnel
