// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <string>

namespace runnel {

/// Finds the operation of LibTorch that a node of an exported program names, if a program may run it.
///
/// The rule, which keeps a file from a stranger to functions on tensors:
/// 1. It is of the namespace aten, and this LibTorch has it.
/// 2. Its name does not begin with an underscore, but for a short list that exports contain: PyTorch's internal
///    operations trust their arguments. Nor is it of a library's own formats (fbgemm, mkldnn, quantized, …), whose
///    tensors hold addresses.
/// 3. It has results, and its parameters and results are tensors, numbers, truth values, devices, and lists of them. A
///    parameter may be a text where that chooses among variants ("mode", "rounding_mode", …); one of another kind must
///    have a default. No operation that takes the name of a file passes.
/// 4. It writes to nothing but its first parameter and, while it trains, a normalization's running statistics. It does
///    not change the memory or the shape of the first parameter; only `detach_` may.
///
/// Throws `RunError` (bad_data): `place`, the operation, and which part of the rule it breaks. `target` is as in
/// `ExportedNode`.
c10::OperatorHandle permitted_operation(const std::string& target, const std::string& place);

/// Whether `target` only asserts something about sizes or values, and is left out.
bool only_asserts(const std::string& target);

}  // namespace runnel
