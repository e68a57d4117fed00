// SPDX-FileCopyrightText: 2026 The Runnel authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string>

namespace runnel {

/// Whether memory could not be allocated: LibTorch's, on a GPU or on the host, whose allocator tells it by its text
/// only, or this program's own. Any thread.
bool is_out_of_memory(const std::exception& error);

/// What LibTorch reports, in one line: without its backtrace, control characters escaped. Any thread.
std::string line_of(const c10::Error& error);

}  // namespace runnel
