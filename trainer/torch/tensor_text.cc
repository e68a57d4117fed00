// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#include "trainer/torch/tensor_text.h"

#include "runtime/base/joined.h"

namespace runnel {

std::string type_text(c10::ScalarType type) {
  return c10::getDtypeNames(type).first;
}

std::string tensor_text(c10::ScalarType type, c10::IntArrayRef shape) {
  return type_text(type) + " [" + joined(shape, ", ", [](std::int64_t size) { return std::to_string(size); }) + "]";
}

}  // namespace runnel
