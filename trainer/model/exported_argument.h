// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <cstdint>
#include <vector>

#include "trainer/archive/exported_program.h"

namespace runnel {

/// What an operation gets for a parameter: a constant, a value of the pass, or a list that holds values.
struct OperationArgument {
  enum class Kind { constant, value, list };

  Kind kind = Kind::constant;
  c10::IValue constant = {};
  ValueNumber value = 0;
  std::vector<OperationArgument> items = {};
  c10::TypePtr type = {};  ///< of the parameter, or of the list's elements; null: of any kind
};

/// The argument in a pass that has `values`. Throws `c10::Error` where a list's element is of another kind.
c10::IValue value_of(const OperationArgument& argument, const std::vector<c10::IValue>& values);

/// `value`, for a parameter of `type`: a number becomes a tensor or a floating number where that is expected.
c10::IValue fitted(c10::IValue value, const c10::Type& type);

/// LibTorch's number of the memory format, or layout, that has this number in torch.export's schema; negative where it
/// is not supported.
std::int64_t memory_format_of(std::int64_t number);
std::int64_t tensor_layout_of(std::int64_t number);

}  // namespace runnel
