// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>

#include "runtime/base/element_type.h"

/// LibTorch's types of elements and those of files. Any thread.
namespace runnel {

c10::ScalarType scalar_type_of(ElementType type);

/// Nothing for a type that no file has.
std::optional<ElementType> element_type_of(c10::ScalarType type);

}  // namespace runnel
