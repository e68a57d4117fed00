// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <string>

/// How messages write tensors: "float32 [2, 3]". Any thread.
namespace runnel {

/// PyTorch's name of a type: "float32".
std::string type_text(c10::ScalarType type);

std::string tensor_text(c10::ScalarType type, c10::IntArrayRef shape);

}  // namespace runnel
